package ida

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
)

// maxDestination bounds a masked address.
const maxDestination = 256

// Decoy is a pair of addresses in the mask that IDA uses: "XXXXXXX3210", "XXa.XXoXXl@example.org". Either may be empty.
// The digits at the end of Mobile, and the small letters and digits of Email before the "@", are varied.
type Decoy struct {
	Email, Mobile string
}

// destinations returns the addresses of the channels.
func (d Decoy) destinations(channels []Channel) []string {
	var all []string
	for _, c := range channels {
		address := d.Email
		if c == Phone {
			address = d.Mobile
		}
		if address != "" {
			all = append(all, address)
		}
	}
	return all
}

type otpRequest struct {
	ID             string    `json:"id"`
	Version        string    `json:"version"`
	IndividualID   string    `json:"individualId"`
	IndividualType *string   `json:"individualIdType"`
	TransactionID  string    `json:"transactionID"`
	RequestTime    string    `json:"requestTime"`
	Channels       []Channel `json:"otpChannel"`
}

type otpResponse struct {
	Email  string `json:"maskedEmail"`
	Mobile string `json:"maskedMobile"`
}

// Channels implements [authenticator.ChannelSender]: it returns those of the configuration.
func (a *Authenticator) Channels() []Channel { return slices.Clone(a.config.Channels) }

var errChannel = errors.New("ida: a channel that is not configured")

// SendCode implements [authenticator.CodeSender]. Somebody whom IDA does not know, or to whom it cannot send, gets a
// receipt too.
func (a *Authenticator) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	channels := a.config.Channels
	if len(r.Channels) > 0 {
		channels = r.Channels
	}
	for _, c := range channels {
		if !slices.Contains(a.config.Channels, c) {
			return nil, unsupported(errChannel)
		}
	}
	wait := a.hold(ctx)
	id := a.config.Normalize(r.Identifier).Value
	destinations, err := a.sendCode(ctx, r, id, channels)
	e, ok := errors.AsType[*authenticator.Error](err)
	switch {
	case ok && e.Reason == authenticator.WrongCredentials:
		a.config.Logger.DebugContext(ctx, "no code was sent", "transaction", r.Transaction, "error", e.Err)
	case err != nil:
		return nil, err
	}
	wait()
	if len(destinations) == 0 {
		destinations = a.decoy(id, channels)
	}
	receipt := &authenticator.CodeReceipt{Length: a.config.CodeLength}
	if len(a.config.Decoys) > 0 {
		receipt.Destinations = destinations
	}
	now := a.config.Now()
	receipt.ExpiresAt, receipt.ResendAfter = after(now, a.config.CodeLifetime), after(now, a.config.ResendAfter)
	return receipt, nil
}

func after(now time.Time, d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return now.Add(d)
}

func (a *Authenticator) sendCode(
	ctx context.Context, r *authenticator.CodeRequest, id string, channels []Channel,
) ([]string, error) {
	const name = "otp"
	transaction := TransactionID(r.Transaction)
	if transaction == "" {
		return nil, a.explain(ctx, name, errTransaction)
	}
	p, err := a.partner(ctx, r.ClientID)
	if err != nil {
		return nil, a.explain(ctx, name, err)
	}
	answer, err := call[otpResponse](ctx, a.otp, a.path(a.config.OTPURL, name, p), transaction, &otpRequest{
		ID: "mosip.identity.otp", Version: "1.0", IndividualID: id, TransactionID: transaction,
		RequestTime: timestamp(a.config.Now()), Channels: channels,
	}, maxAnswer)
	if err != nil {
		return nil, a.explain(ctx, name, err)
	}
	if answer.TransactionID != transaction {
		return nil, a.explain(ctx, name, errors.New("IDA answered no transaction"))
	}
	destinations := Decoy(*answer.Response).destinations(channels)
	return slices.DeleteFunc(destinations, func(address string) bool {
		return len(address) > maxDestination || !utf8.ValidString(address) || strings.ContainsFunc(address, unicode.IsControl)
	}), nil
}

// decoysFor returns those with an address for the channels.
func decoysFor(decoys []Decoy, channels []Channel) []Decoy {
	return slices.DeleteFunc(slices.Clone(decoys), func(d Decoy) bool { return len(d.destinations(channels)) == 0 })
}

// decoy returns where a code for somebody unknown seems to have gone, always the same for an ID and channels.
func (a *Authenticator) decoy(id string, channels []Channel) []string {
	decoys := decoysFor(a.config.Decoys, channels)
	if len(decoys) == 0 {
		return nil
	}
	mac := hmac.New(sha256.New, a.config.Secret)
	mac.Write([]byte("signet/ida/decoy:" + id))
	random := mac.Sum(nil)
	d := decoys[binary.BigEndian.Uint64(random)%uint64(len(decoys))]
	used := 0
	vary := func(c byte) byte {
		next := random[used%len(random)]
		used++
		switch {
		case '0' <= c && c <= '9':
			return '0' + next%10
		case 'a' <= c && c <= 'z':
			return 'a' + next%26
		}
		return c
	}
	mobile := []byte(d.Mobile)
	for i := len(mobile) - 1; i >= 0 && '0' <= mobile[i] && mobile[i] <= '9'; i-- {
		mobile[i] = vary(mobile[i])
	}
	email := []byte(d.Email)
	for i := range max(strings.LastIndexByte(d.Email, '@'), 0) {
		email[i] = vary(email[i])
	}
	return Decoy{Email: string(email), Mobile: string(mobile)}.destinations(channels)
}
