package simulator

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"sync"
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// view is what the page shows.
type view struct {
	Owner, Individual, Code, Problem, Done string
	Sent                                   bool
	Request                                *Request
	ID                                     string
}

// Page is the wallet as a page, for the browser of its owner: it asks for no password.
type Page struct {
	wallet   *Wallet
	mux      *http.ServeMux
	mu       sync.Mutex
	requests map[string]*Request
}

// NewPage returns the page of a wallet. It belongs on a loopback address.
func NewPage(w *Wallet) http.Handler {
	p := &Page{wallet: w, mux: http.NewServeMux(), requests: map[string]*Request{}}
	p.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { p.show(w, &view{}) })
	p.mux.HandleFunc("GET /link", p.open)
	p.mux.HandleFunc("POST /code", p.code)
	p.mux.HandleFunc("POST /bind", p.bind)
	p.mux.HandleFunc("POST /link", p.link)
	p.mux.HandleFunc("POST /decide", p.decide)
	return http.NewCrossOriginProtection().Handler(p.mux)
}

func (p *Page) show(w http.ResponseWriter, v *view) {
	v.Owner = p.wallet.Owner()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	var b strings.Builder
	if err := pageTemplate.Execute(&b, v); err != nil {
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Write([]byte(b.String()))
}

// open is where a deep link leads. It takes nothing over before the person says so.
func (p *Page) open(w http.ResponseWriter, r *http.Request) {
	p.show(w, &view{Code: r.URL.Query().Get("code")})
}

func (p *Page) code(w http.ResponseWriter, r *http.Request) {
	v := &view{Individual: r.PostFormValue("individual"), Sent: true}
	if err := p.wallet.SendCode(r.Context(), v.Individual); err != nil {
		v.Sent, v.Problem = false, problem(err)
	}
	p.show(w, v)
}

func (p *Page) bind(w http.ResponseWriter, r *http.Request) {
	v := &view{Individual: r.PostFormValue("individual")}
	if err := p.wallet.Bind(r.Context(), v.Individual, r.PostFormValue("otp")); err != nil {
		v.Sent, v.Problem = true, problem(err)
	} else {
		v.Done = "Your wallet is bound."
	}
	p.show(w, v)
}

func (p *Page) link(w http.ResponseWriter, r *http.Request) {
	v := &view{}
	request, err := p.wallet.Link(r.Context(), CodeIn(r.PostFormValue("code")))
	if err != nil {
		v.Problem = problem(err)
	} else {
		v.Request, v.ID = request, rand.Text()
		p.mu.Lock()
		p.requests[v.ID] = request
		p.mu.Unlock()
	}
	p.show(w, v)
}

// decide approves, or drops the request: the login then ends by itself, and the browser may go another way.
func (p *Page) decide(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("id")
	p.mu.Lock()
	request := p.requests[id]
	delete(p.requests, id)
	p.mu.Unlock()
	v := &view{}
	switch {
	case request == nil:
		v.Problem = "This request was decided before."
	case r.PostFormValue("decision") != "approve":
		v.Done = "You refused. Nothing was shared."
	default:
		if err := p.wallet.Approve(r.Context(), request, r.PostForm["claim"], r.PostForm["scope"]); err != nil {
			v.Problem = problem(err)
		} else {
			v.Done = "Approved. Go on in the other window."
		}
	}
	p.show(w, v)
}

func problem(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return "The provider refused: " + e.Code
	}
	if errors.Is(err, ErrNotBound) {
		return "Bind this wallet first."
	}
	return "The provider cannot be reached."
}
