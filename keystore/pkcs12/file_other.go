//go:build !unix || aix || solaris

package pkcs12

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

func checkAccess(string, fs.FileInfo) error { return nil }

// lock waits until it is the one that makes the file, or the context ends.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		handle, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			return func() { handle.Close(); os.Remove(path) }, nil
		}
		// Windows says ErrPermission while the file is being removed.
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("another process writes, or died and left %s to be removed: %w", path, ctx.Err())
		}
	}
}

func syncDirectory(string) error { return nil }
