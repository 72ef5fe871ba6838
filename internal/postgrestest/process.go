package postgrestest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// keeper is a shell script that runs a server as its child. It reads names of signals for the server from its standard
// input. When that ends without a last word the test process is gone, be it by SIGKILL: the server goes too, with all
// its data. Being the server's parent, the script cannot hit another process that got the same number. The server's
// processes, and only they, hold descriptor 3.
const keeper = `
dir=$1; log=$2; shift 2
"$@" </dev/null >>"$log" 2>&1 &
server=$!
exec 3>&-
while read -r word; do
	if [ "$word" = wait ]; then wait "$server"; exit 0; fi
	kill -s "$word" "$server" 2>/dev/null
done
kill -s QUIT "$server" 2>/dev/null
wait "$server"
rm -rf "$dir"
`

// process is a server that runs under its keeper.
type process struct {
	user  *account
	words io.WriteCloser
	ended chan struct{} // closed when the last of the server's processes has ended
}

func (p *process) start(dir, log string, command ...string) error {
	cmd := exec.Command("/bin/sh", append([]string{"-c", keeper, "keeper", dir, log}, command...)...)
	cmd.Dir = dir
	cmd.SysProcAttr = p.attributes()
	words, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	alive, held, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.ExtraFiles = []*os.File{held}
	err = cmd.Start()
	_ = held.Close()
	if err != nil {
		_ = alive.Close()
		return err
	}
	p.words, p.ended = words, make(chan struct{})
	go func() {
		defer close(p.ended)
		_, _ = io.Copy(io.Discard, alive)
		_ = alive.Close()
	}()
	go func() { _ = cmd.Wait() }() // how the keeper ends is of no interest
	return nil
}

func (p *process) running() bool {
	if p.ended == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// stop sends a signal to the server and waits for its end.
func (p *process) stop(signal string) error {
	if _, err := fmt.Fprintf(p.words, "%s\nwait\n", signal); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("postgrestest: the server did not stop within %s", patience)
	}
}
