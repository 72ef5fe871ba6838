package signet

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/consent"
)

// receiptKeysMaxAge is how old the document of the keys of receipts may be.
const receiptKeysMaxAge = 5 * time.Minute

// receiptKeys serves every key that signed a receipt as a JSON Web Key Set.
type receiptKeys struct {
	registry *consent.Registry
	logger   *slog.Logger
	now      func() time.Time

	mu       sync.Mutex
	document []byte
	until    time.Time
}

func newReceiptKeys(registry *consent.Registry, logger *slog.Logger, now func() time.Time) *receiptKeys {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if now == nil {
		now = time.Now
	}
	return &receiptKeys{registry: registry, logger: logger, now: now}
}

func (k *receiptKeys) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h.Set("Access-Control-Allow-Origin", "*")
	document, err := k.read(r.Context())
	if err != nil {
		k.logger.ErrorContext(r.Context(), "the keys of receipts cannot be read", slog.Any("error", err))
		h.Set("Cache-Control", "no-store")
		http.Error(w, "temporarily unavailable", http.StatusServiceUnavailable)
		return
	}
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(receiptKeysMaxAge/time.Second)))
	h.Set("Content-Type", "application/jwk-set+json")
	w.Write(document)
}

// read asks the ledger as seldom as the document may be old.
func (k *receiptKeys) read(ctx context.Context) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.document != nil && k.now().Before(k.until) {
		return k.document, nil
	}
	keys, err := k.registry.Keys(ctx)
	if err != nil {
		return nil, err
	}
	if keys == nil {
		keys = []jose.JSONWebKey{}
	}
	if k.document, err = json.Marshal(jose.JSONWebKeySet{Keys: keys}); err != nil {
		return nil, err
	}
	k.until = k.now().Add(receiptKeysMaxAge)
	return k.document, nil
}
