package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/openapi"
)

//go:embed openapi.html
var apiTemplate string

//go:embed openapi.css
var apiStyle string

// describeAPI serves the description of what the provider serves, and a page with it, beside the provider. Both are made
// when somebody first wants to read them: most servers are never asked.
func describeAPI(provider *signet.Provider, issuer string, logger *slog.Logger) (http.Handler, error) {
	document := sync.OnceValues(func() ([]byte, error) { return openapi.For(issuer, provider.Patterns()) })
	page := sync.OnceValues(func() ([]byte, error) {
		document, err := document()
		if err != nil {
			return nil, err
		}
		return renderAPI(document)
	})
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte(apiStyle))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	mux.HandleFunc("GET "+u.Path+"/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		writeStatic(w, "application/json", document, logger)
	})
	mux.HandleFunc("GET "+u.Path+"/api/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Referrer-Policy", "no-referrer")
		writeStatic(w, "text/html; charset=utf-8", page, logger)
	})
	return mux, nil
}

func writeStatic(w http.ResponseWriter, media string, read func() ([]byte, error), logger *slog.Logger) {
	body, err := read()
	if err != nil {
		logger.Error("the API cannot be described", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(body)
}

// apiDocument is what the page shows of a description.
type apiDocument struct {
	Info    struct{ Title, Version, Description string }
	Servers []struct{ URL string }
	Tags    []struct{ Name string }
	Paths   map[string]map[string]json.RawMessage
}

// apiOperation is one endpoint on the page.
type apiOperation struct {
	ID          string `json:"operationId"`
	Tags        []string
	Summary     string
	Parameters  json.RawMessage
	RequestBody json.RawMessage
	Responses   map[string]json.RawMessage
	Method      string `json:"-"`
	Path        string `json:"-"`
}

// Request is what the operation takes, for reading.
func (o *apiOperation) Request() string {
	var parts []string
	for _, raw := range []json.RawMessage{o.Parameters, o.RequestBody} {
		var b bytes.Buffer
		if len(raw) > 0 && json.Indent(&b, raw, "", "  ") == nil {
			parts = append(parts, b.String())
		}
	}
	return strings.Join(parts, "\n")
}

// Answers are the responses, for reading.
func (o *apiOperation) Answers() string {
	b, err := json.MarshalIndent(o.Responses, "", "  ")
	if err != nil { // of what was read from JSON
		return ""
	}
	return string(b)
}

type apiGroup struct {
	Name       string
	Operations []*apiOperation
}

func renderAPI(document []byte) ([]byte, error) {
	var d apiDocument
	if err := json.Unmarshal(document, &d); err != nil {
		return nil, err
	}
	var all []*apiOperation
	for path, item := range d.Paths {
		for method, raw := range item {
			if method == "servers" {
				continue
			}
			o := &apiOperation{Method: strings.ToUpper(method), Path: path}
			if err := json.Unmarshal(raw, o); err != nil {
				return nil, err
			}
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b *apiOperation) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	var groups []apiGroup
	for _, tag := range d.Tags {
		g := apiGroup{Name: tag.Name}
		for _, o := range all {
			if slices.Contains(o.Tags, tag.Name) {
				g.Operations = append(g.Operations, o)
			}
		}
		if len(g.Operations) > 0 {
			groups = append(groups, g)
		}
	}
	t, err := template.New("api").Parse(apiTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{"Info": d.Info, "Servers": d.Servers, "Groups": groups, "Style": template.CSS(apiStyle)})
	return b.Bytes(), err
}
