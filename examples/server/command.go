package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/user"
	"slices"
	"strings"
)

// command is something to do with the server's state or keys, without serving.
type command struct {
	// usage has the words that follow "server", and the arguments in angle brackets. about says what the command does.
	usage, about string
	// flags are the names of the flags that it takes: the server's, and those of options.
	flags []string
	run   func(ctx context.Context, t *terminal, args []string) error
}

// options are the flags that commands have and the server has not.
type options struct {
	file, actor, role, alg, subject string
	version                         int64
	force                           bool
}

// terminal is what a command reads and writes.
type terminal struct {
	*config
	options
	stdin          io.Reader
	stdout, stderr io.Writer
}

// commands are found by their first words.
func commands() map[string]command {
	all := map[string]command{"migrate": {
		usage: "migrate", about: "Bring the schema of -store, and of -state, to the version of this program",
		flags: []string{"store", "state"}, run: migrate,
	}}
	maps.Copy(all, clientCommands())
	maps.Copy(all, keyCommands())
	maps.Copy(all, mockCommands())
	maps.Copy(all, importCommands())
	return all
}

// findCommand returns the command that the arguments begin with, and the arguments that follow. It is nil if they begin
// with a flag, or are none: then the server itself is meant.
func findCommand(args []string) (*command, []string, error) {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return nil, args, nil
	}
	all := commands()
	for words := range min(2, len(args)) {
		if c, ok := all[strings.Join(args[:words+1], " ")]; ok {
			return &c, args[words+1:], nil
		}
	}
	return nil, nil, fmt.Errorf("unknown command %q; -help lists the commands", strings.Join(args[:min(2, len(args))], " "))
}

// runCommand runs the command with the arguments that follow its words: flags and arguments in any order.
func runCommand(ctx context.Context, c *command, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	t := &terminal{config: new(config), stdin: stdin, stdout: stdout, stderr: stderr}
	known := t.config.flags()
	t.options.define(known)
	flags := flag.NewFlagSet(c.usage, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var errs []error
	for _, name := range c.flags {
		f := known.Lookup(name)
		if value, ok := otherDefaults[c.usage][name]; ok {
			if err := f.Value.Set(value); err != nil {
				return err
			}
		}
		flags.Var(f.Value, name, f.Usage)
		if value := getenv(envName(name)); value != "" {
			if err := flags.Set(name, value); err != nil {
				errs = append(errs, fmt.Errorf("%s: invalid value %q: %w", envName(name), value, err))
			}
		}
	}
	var words []string
	if strings.Contains(c.usage, "<kid>") {
		words, args = hyphenatedKids(args)
	}
	for len(args) > 0 {
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			fmt.Fprintf(stdout, "Usage: server %s [flags]\n\n%s.\n", c.usage, c.about)
			writeFlags(stdout, flags, c.flags)
			return err
		} else if err != nil {
			return err
		}
		if args = flags.Args(); len(args) > 0 {
			words, args = append(words, args[0]), args[1:]
		}
	}
	if len(words) != strings.Count(c.usage, "<") {
		errs = append(errs, fmt.Errorf("usage: server %s [flags]", c.usage))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if t.actor == "" {
		t.actor = loginName()
	}
	return c.run(ctx, t, words)
}

func (o *options) define(f *flag.FlagSet) {
	f.StringVar(&o.file, "file", "-", "`file` to read; - is standard input")
	f.StringVar(&o.actor, "actor", "", "`who` makes the change, for the history; default: your login name")
	f.Int64Var(&o.version, "version", 0, "`version` that the change is made to; if it is not the present one, nothing changes; 0: whichever it is")
	f.StringVar(&o.role, "role", "", "`role` of the key: token-signing, userinfo-signing, response-signing, request-decryption or binding-ca")
	f.StringVar(&o.alg, "alg", "", "`algorithm` of the key, as ES256")
	f.StringVar(&o.subject, "subject", "", "distinguished `name`, as CN=id.example,O=Ministry of the Interior,C=XX")
	f.BoolVar(&o.force, "force", false, "do it at once, whatever verifiers have cached")
}

// input reads the file that the command is about.
func (t *terminal) input() ([]byte, error) {
	if t.file == "-" {
		return io.ReadAll(io.LimitReader(t.stdin, maxInput))
	}
	data, err := os.ReadFile(t.file)
	if err != nil {
		return nil, fmt.Errorf("-file: %w", err)
	}
	return data, nil
}

// maxInput is more than any file that a command reads may have.
const maxInput = 4 << 20

func loginName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "unknown"
}

// writeCommands lists the commands.
func writeCommands(w io.Writer) {
	fmt.Fprint(w, "\nCommands, each with -help:\n")
	all := commands()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(w, "  server %s\n        %s\n", all[name].usage, all[name].about)
	}
}

// hyphenatedKids takes out of the arguments what is a kid though it looks like a flag: a thumbprint in base64url, of which
// one in 64 begins with a hyphen.
func hyphenatedKids(args []string) (kids, rest []string) {
	for _, arg := range args {
		sum, err := base64.RawURLEncoding.DecodeString(arg)
		if strings.HasPrefix(arg, "-") && err == nil && len(sum) == sha256.Size {
			kids = append(kids, arg)
		} else {
			rest = append(rest, arg)
		}
	}
	return kids, rest
}
