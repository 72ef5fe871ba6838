package login

import (
	"context"
	"net/netip"

	"github.com/gosignet/signet/store"
)

// ipv6Network is how many bits of an IPv6 address tell networks apart. Whoever has one has all addresses in it.
const ipv6Network = 64

// codesPerAnswer is how many codes a source is sent for each wrong answer that it is allowed: right answers are given back,
// codes are not.
const codesPerAnswer = 10

type sourceKey struct{}

// WithSource returns a context that says where the person's request comes from, so that attempts are limited per source
// too. The address is the one of the person's network, not that of a proxy.
func WithSource(ctx context.Context, source netip.Addr) context.Context {
	return context.WithValue(ctx, sourceKey{}, source)
}

// sourceOf is where the person's request comes from; the zero Addr if nobody said so.
func sourceOf(ctx context.Context) netip.Addr {
	source, _ := ctx.Value(sourceKey{}).(netip.Addr)
	return source.Unmap().WithZone("")
}

// source counts a use of a source in a batch: of an IPv4 address, or of a network of IPv6. The tally is nil if the source
// is not known.
func (l *limiter) source(b *store.Batch, u Use, source netip.Addr) *tally {
	if !source.IsValid() {
		return nil
	}
	limit, name := l.sourceLimit, source.String()
	if u == UseCode {
		limit.Attempts = min(codesPerAnswer*limit.Attempts, maxCount)
	}
	if source.Is6() {
		network, _ := source.Prefix(ipv6Network) // which fails only for a length that there is not
		name = network.String()
	}
	return l.count(b, l.name("source-"+string(u), name), limit)
}
