package esignet

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"

	"crypto/rsa"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/wallet"
)

const invalidBindingFormat = "invalid_auth_factor_type_or_challenge_format"

// bindingCodeRequest asks for a one-time code to bind a wallet with.
type bindingCodeRequest struct {
	IndividualID text   `json:"individualId"`
	OTPChannels  []text `json:"otpChannels"`
}

func (q *bindingCodeRequest) validate(v *violations) {
	v.check(!blank(q.IndividualID), "request.individualId", invalidIdentifier)
}

func (q *bindingCodeRequest) channels() []text { return q.OTPChannels }

// bindingCodeV2 may have the solution of a captcha.
type bindingCodeV2 struct {
	bindingCodeRequest
	CaptchaToken text `json:"captchaToken"`
}

func (p *wallets) bindingOTPV1(ctx context.Context, _ *http.Request, q *bindingCodeRequest) (any, error) {
	return p.bindingOTP(ctx, q, "")
}

func (p *wallets) bindingOTPV2(ctx context.Context, _ *http.Request, q *bindingCodeV2) (any, error) {
	return p.bindingOTP(ctx, &q.bindingCodeRequest, string(q.CaptchaToken))
}

func (p *wallets) bindingOTP(ctx context.Context, q *bindingCodeRequest, captcha string) (any, error) {
	receipt, err := p.Binder.SendCode(ctx, &wallet.CodeRequest{
		Identifier: authenticator.Identifier{Value: string(q.IndividualID)}, Channels: chosen(p.Channels, q.OTPChannels), Captcha: captcha,
	})
	if err != nil {
		return nil, proofError(nil, err, "send_otp_failed")
	}
	return destinationsOf(receipt), nil
}

// bindingRequest asks to bind a key.
type bindingRequest struct {
	IndividualID   text        `json:"individualId"`
	ChallengeList  []challenge `json:"challengeList"`
	PublicKey      jsonObject  `json:"publicKey"`
	AuthFactorType text        `json:"authFactorType"`
	Format         text        `json:"format"`
	CaptchaToken   text        `json:"captchaToken"`

	key jose.JSONWebKey
}

func (q *bindingRequest) validate(v *violations) {
	v.check(!blank(q.IndividualID), "request.individualId", invalidIndividualID)
	var err error
	q.key, err = wallet.ParseKey(q.PublicKey)
	v.check(err == nil, "request.publicKey", "invalid_public_key")
	v.check(!blank(q.AuthFactorType), "request.authFactorType", invalidFactor)
	v.check(!blank(q.Format), "request.format", invalidChallengeFormat)
}

func (q *bindingRequest) challenges() []challenge { return q.ChallengeList }

func (p *wallets) bind(ctx context.Context, r *http.Request, q *bindingRequest) (any, error) {
	if q.AuthFactorType != "WLA" || q.Format != "jwt" {
		return nil, fail(invalidBindingFormat, nil)
	}
	if _, ok := q.key.Key.(*rsa.PublicKey); !ok && !p.PlainUserID {
		return nil, fail("failed_to_create_jwe", nil)
	}
	answers, err := answers(q.ChallengeList)
	if err != nil {
		return nil, err
	}
	b, err := p.Binder.Bind(ctx, &wallet.BindRequest{
		Identifier: authenticator.Identifier{Value: string(q.IndividualID)}, Challenges: answers,
		Key: json.RawMessage(q.PublicKey), Captcha: string(q.CaptchaToken), Header: headersOf(r.Header),
	})
	if err != nil {
		return nil, bindError(err)
	}
	id := b.WalletUserID
	if !p.PlainUserID {
		if id, err = encryptTo(b.Key, id); err != nil {
			return nil, fail("failed_to_create_jwe", err)
		}
	}
	return struct {
		WalletUserID   string `json:"walletUserId"`
		Certificate    string `json:"certificate"`
		ExpireDateTime string `json:"expireDateTime"`
	}{
		id, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.Certificate.Raw})),
		b.ExpiresAt.UTC().Format(timeFormat),
	}, nil
}

func bindError(err error) error {
	if errors.Is(err, wallet.ErrKey) { // what is wrong with the key itself was found before
		return fail("duplicate_public_key", err)
	}
	if e, ok := errors.AsType[*authenticator.Error](err); ok && e.Reason == authenticator.Unsupported {
		return fail(invalidBindingFormat, err)
	}
	if errors.Is(err, login.ErrStep) {
		return fail("key_binding_failed", err)
	}
	return proofError(nil, err, "key_binding_failed")
}

// encryptTo encrypts a wallet user ID, so that nobody but the wallet knows it.
func encryptTo(key jose.JSONWebKey, id string) (string, error) {
	recipient := jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: key.Key, KeyID: key.KeyID}
	e, err := jose.NewEncrypter(jose.A256GCM, recipient, (&jose.EncrypterOptions{}).WithContentType("JWT"))
	if err != nil {
		return "", err
	}
	o, err := e.Encrypt([]byte(id))
	if err != nil {
		return "", err
	}
	return o.CompactSerialize()
}

// headersOf are the headers of a request by lower-case names, without what is for this server alone.
func headersOf(h http.Header) map[string]string {
	headers := map[string]string{}
	for name, values := range h {
		if name = strings.ToLower(name); name != "authorization" && name != "cookie" && len(values) > 0 {
			headers[name] = values[0]
		}
	}
	return headers
}
