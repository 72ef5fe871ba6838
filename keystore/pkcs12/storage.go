package pkcs12

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
)

// maxFile is the length of the longest file that is read or written, in bytes.
const maxFile = 1 << 20

// Storage keeps one file, encrypted as it is. It is safe for concurrent use.
type Storage interface {
	// Load returns the file and its version, which tells it from every other content. When there is no file yet, the
	// version is 0 and there is no error. The caller owns the bytes.
	Load(ctx context.Context) (blob []byte, version int64, err error)
	// Save replaces the file if it is still the version, and makes it if that is 0 and there is none. Otherwise it
	// changes nothing and returns an error that wraps [store.ErrConflict]. One that wraps [keystore.ErrVaultFull] says
	// that the file is too long. Whoever loads sees the earlier file or the new one, whatever happens meanwhile.
	Save(ctx context.Context, blob []byte, version int64) error
}

// Ledger is the Storage that keeps the file as a record of a ledger: with the database, for instances that share no
// disk. It has room for files of up to 190 KB, which are 50 keys with their certificates. The history of the record
// keeps the earlier files, with keys that were deleted since, under the password.
func Ledger(ledger store.Ledger, collection, id string) Storage {
	return &ledgerStorage{ledger, collection, id}
}

type ledgerStorage struct {
	ledger         store.Ledger
	collection, id string
}

// record is the value of the record. The bytes are base64 in JSON.
type record struct {
	PKCS12 []byte `json:"pkcs12"`
}

func (l *ledgerStorage) Load(ctx context.Context) ([]byte, int64, error) {
	if l.ledger == nil {
		return nil, 0, errors.New("there is no ledger")
	}
	read, err := l.ledger.Read(ctx, l.collection, l.id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	var value record
	if err := json.Unmarshal(read.Value, &value); err != nil {
		return nil, 0, fmt.Errorf("record %q of %q holds no PKCS#12: %w", l.id, l.collection, err)
	}
	return value.PKCS12, read.Version, nil
}

func (l *ledgerStorage) Save(ctx context.Context, blob []byte, version int64) error {
	value, err := json.Marshal(record{blob})
	if err != nil {
		return err
	}
	if len(value) > store.MaxRecord {
		return fmt.Errorf("%w: a record has no room for a file of %d bytes", keystore.ErrVaultFull, len(blob))
	}
	_, err = l.ledger.Write(ctx, l.collection, store.Record{ID: l.id, Value: value, Version: version})
	if errors.Is(err, store.ErrFull) {
		return fmt.Errorf("%w: %w", keystore.ErrVaultFull, err)
	}
	return err
}
