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

// SendCode implements [authenticator.CodeSender]. Somebody whom IDA does not know, or to whom it cannot send, gets a
// receipt too.
func (a *Authenticator) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	wait := a.hold(ctx)
	id := a.config.Normalize(r.Identifier).Value
	destinations, err := a.sendCode(ctx, r, id)
	e, ok := errors.AsType[*authenticator.Error](err)
	switch {
	case ok && e.Reason == authenticator.WrongCredentials:
		a.config.Logger.DebugContext(ctx, "no code was sent", "transaction", r.Transaction, "error", e.Err)
	case err != nil:
		return nil, err
	}
	wait()
	if len(destinations) == 0 {
		destinations = a.decoy(id)
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

func (a *Authenticator) sendCode(ctx context.Context, r *authenticator.CodeRequest, id string) ([]string, error) {
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
		RequestTime: timestamp(a.config.Now()), Channels: a.config.Channels,
	}, maxAnswer)
	if err != nil {
		return nil, a.explain(ctx, name, err)
	}
	if answer.TransactionID != transaction {
		return nil, a.explain(ctx, name, errors.New("IDA answered no transaction"))
	}
	destinations := Decoy(*answer.Response).destinations(a.config.Channels)
	return slices.DeleteFunc(destinations, func(address string) bool {
		return len(address) > maxDestination || !utf8.ValidString(address) || strings.ContainsFunc(address, unicode.IsControl)
	}), nil
}

// decoy returns where a code for somebody unknown seems to have gone, always the same for an ID.
func (a *Authenticator) decoy(id string) []string {
	if len(a.config.Decoys) == 0 {
		return nil
	}
	mac := hmac.New(sha256.New, a.config.Secret)
	mac.Write([]byte("signet/ida/decoy:" + id))
	random := mac.Sum(nil)
	d := a.config.Decoys[binary.BigEndian.Uint64(random)%uint64(len(a.config.Decoys))]
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
	return Decoy{Email: string(email), Mobile: string(mobile)}.destinations(a.config.Channels)
}
