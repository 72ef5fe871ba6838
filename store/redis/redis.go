package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/gosignet/signet/store"
)

const (
	// DefaultPrefix begins every key and channel if the Config sets no other.
	DefaultPrefix = "signet:"

	maxPrefix = 64

	// defaultTimeout bounds each step of a command if the URL does not.
	defaultTimeout = 2 * time.Second
)

// ErrClosed is returned by Subscribe after Close.
var ErrClosed = errors.New("redis: store is closed")

// Config configures a [Store]. It is not changed after New.
type Config struct {
	// URL is the address of the server: redis://user:password@host:port/database, rediss:// with TLS, or
	// unix:///path/to/socket. With addr parameters (redis://host:port?addr=host2:port2) it is the address of a cluster.
	// The parameters of go-redis are understood: pool_size=100, read_timeout=1s, and so on. Commands wait 2 seconds for
	// each of a connection, the writing and the answer unless it says otherwise. Either URL or Client is required.
	URL string
	// Client is a client that the program made: a *redis.Client, also for Sentinel, or a *redis.ClusterClient. It must
	// read from masters only and must not cache. Its timeouts bound the operations; with ContextTimeoutEnabled the
	// deadlines of contexts do so too. Close leaves it open.
	Client goredis.UniversalClient
	// Prefix begins every key and every channel, so that several deployments can share a server: at most 64 bytes of
	// printable ASCII without spaces and braces. Empty means DefaultPrefix.
	Prefix string
	// AllowRollback makes Check accept a server that can come back with an older state than it had, or that does not tell
	// (managed services hide CONFIG). Then what was used shortly before a crash can be used again after it.
	AllowRollback bool
}

// Store keeps short-lived state in Redis. It is safe for concurrent use.
type Store struct {
	client        goredis.UniversalClient
	own           bool
	prefix        string
	allowRollback bool
	marking       sync.Mutex
	listener      listener
}

var (
	_ store.Ephemeral = (*Store)(nil)
	_ store.Batcher   = (*Store)(nil)
	_ store.Notifier  = (*Store)(nil)
)

// New returns a Store, or every mistake in the Config. It does not connect yet: [Store.Check] does.
func New(c Config) (*Store, error) {
	s := &Store{client: c.Client, prefix: c.Prefix, allowRollback: c.AllowRollback}
	if s.prefix == "" {
		s.prefix = DefaultPrefix
	}
	var errs []error
	switch {
	case c.URL == "" && c.Client == nil:
		errs = append(errs, errors.New("redis: URL or Client is missing"))
	case c.URL != "" && c.Client != nil:
		errs = append(errs, errors.New("redis: there are both a URL and a Client"))
	case c.Client != nil:
		errs = append(errs, checkClient(c.Client))
	default:
		client, err := open(c.URL)
		errs = append(errs, err)
		s.client, s.own = client, err == nil
	}
	errs = append(errs, checkPrefix(s.prefix))
	if err := errors.Join(errs...); err != nil {
		if s.own {
			s.client.Close()
		}
		return nil, err
	}
	s.listener.start(s.client, s.prefix+"topic:")
	return s, nil
}

// Close ends what the Store began: subscriptions, which are woken for the last time, and the client if it made one.
func (s *Store) Close() error {
	s.listener.close()
	if s.own {
		return s.client.Close()
	}
	return nil
}

// open makes a client for a URL. Errors do not quote it: it may have a password.
func open(text string) (goredis.UniversalClient, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("redis: URL is malformed")
	}
	if u.Query().Has("addr") {
		o, err := goredis.ParseClusterURL(text)
		if err != nil {
			return nil, fmt.Errorf("redis: URL: %w", err)
		}
		setTimeouts(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout)
		o.DialerRetries = 1
		o.ContextTimeoutEnabled = true
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
		return checked(goredis.NewClusterClient(o), o.TLSConfig)
	}
	o, err := goredis.ParseURL(text)
	if err != nil {
		return nil, fmt.Errorf("redis: URL: %w", err)
	}
	setTimeouts(&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout)
	o.DialerRetries = 1
	o.ContextTimeoutEnabled = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return checked(goredis.NewClient(o), o.TLSConfig)
}

func setTimeouts(all ...*time.Duration) {
	for _, t := range all {
		if *t == 0 {
			*t = defaultTimeout
		}
	}
}

// checked closes a client that the parameters of its URL have made unsafe.
func checked(c goredis.UniversalClient, t *tls.Config) (goredis.UniversalClient, error) {
	err := checkClient(c)
	if t != nil && t.InsecureSkipVerify {
		err = errors.New("redis: URL: skip_verify would accept anybody's certificate")
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// checkClient returns an error for a client that may read what is not so any more.
func checkClient(c goredis.UniversalClient) error {
	switch c := c.(type) {
	case *goredis.Client:
		if o := c.Options(); o.ClientSideCache != nil || o.ClientSideCacheConfig != nil {
			return errors.New("redis: Client keeps a cache, which does not know what others took")
		}
	case *goredis.ClusterClient:
		if c.Options().ReadOnly {
			return errors.New("redis: Client reads from replicas, which do not know yet what was taken")
		}
	default:
		return fmt.Errorf("redis: Client is a %T, neither a *redis.Client nor a *redis.ClusterClient", c)
	}
	return nil
}

func checkPrefix(prefix string) error {
	if len(prefix) > maxPrefix || strings.ContainsAny(prefix, "{}") || store.CheckKey(prefix) != nil {
		return fmt.Errorf("redis: Prefix is %q, not at most %d bytes of printable ASCII without spaces and braces", prefix, maxPrefix)
	}
	return nil
}
