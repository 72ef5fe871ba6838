package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	timeFormat = "2006-01-02T15:04:05.000Z"
	maxAnswer  = 1 << 20
)

// Error is an answer of the API that is no success.
type Error struct {
	Code    string `json:"errorCode"`
	Message string `json:"errorMessage"`
}

func (e *Error) Error() string { return "the provider says " + e.Code }

// call posts a request to the API in its envelope, and reads the response.
func (w *Wallet) call(ctx context.Context, path string, request, response any) error {
	body, err := json.Marshal(map[string]any{"requestTime": time.Now().UTC().Format(timeFormat), "request": request})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.config.API+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if w.config.Token != "" {
		r.Header.Set("Authorization", "Bearer "+w.config.Token)
	}
	answer, err := w.config.Client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, answer.Status)
	}
	var envelope struct {
		Response json.RawMessage `json:"response"`
		Errors   []Error         `json:"errors"`
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &envelope); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(envelope.Errors) > 0 {
		return &envelope.Errors[0]
	}
	return json.Unmarshal(envelope.Response, response)
}
