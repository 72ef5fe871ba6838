package pkcs12

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
)

// File is the Storage that keeps the file on a disk.
//
// The file must belong to the user that the process runs as, and be closed to everybody else (0600): otherwise it is
// neither read nor written. It is written aside, as path.tmp, synced, and then renamed, so that a process or a machine
// that dies leaves the earlier file or the new one. Processes that write at once wait for each other at the lock of
// path.lock, which stays behind. A symbolic link is followed.
//
// That is so on Unix. Elsewhere, nobody's permissions are looked at, path.lock exists only while a process writes (one
// that died leaves it, and it has to be removed by hand), and a loss of power may undo the latest change.
func File(path string) Storage { return &file{path} }

type file struct{ path string }

func (f *file) Load(ctx context.Context) ([]byte, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	return load(f.path)
}

func load(path string) ([]byte, int64, error) {
	handle, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer handle.Close()
	info, err := handle.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is not a regular file", path)
	}
	if err := checkAccess(path, info); err != nil {
		return nil, 0, err
	}
	blob, err := io.ReadAll(io.LimitReader(handle, maxFile+1))
	if err != nil {
		return nil, 0, err
	}
	// A version that comes from the content needs no clock of the file system, which is too coarse to tell two changes
	// apart.
	sum := sha256.Sum256(blob)
	return blob, int64(binary.BigEndian.Uint64(sum[:])>>1) | 1, nil
}

func (f *file) Save(ctx context.Context, blob []byte, version int64) error {
	if len(blob) > maxFile {
		return fmt.Errorf("%w: a file has at most %d bytes", keystore.ErrVaultFull, maxFile)
	}
	target := f.path
	if resolved, err := filepath.EvalSymlinks(target); err == nil {
		target = resolved
	}
	unlock, err := lock(ctx, target+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	_, present, err := load(target)
	if err != nil {
		return err
	}
	if present != version {
		return store.ErrConflict
	}
	return replace(target, blob)
}

// replace writes the file so that it is there whole or not at all. The caller has the lock.
func replace(target string, blob []byte) (err error) {
	temporary := target + ".tmp"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a process that died
		return err
	}
	handle, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = handle.Write(blob)
	if err == nil {
		err = handle.Sync()
	}
	err = errors.Join(err, handle.Close())
	if err == nil {
		err = os.Rename(temporary, target)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return syncDirectory(filepath.Dir(target))
}
