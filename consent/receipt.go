package consent

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gosignet/signet/keystore"
)

// ReceiptType is the typ of receipts.
const ReceiptType = "consent-receipt+jwt"

// Receipt is what the payload of a receipt says. It is a JWT (RFC 7519) of the provider about the subject, without an expiry:
// that something was decided stays true.
//
// Its members are those of the Kantara Consent Receipt 1.1, in camel case, and those of ISO/IEC TS 27560, in snake case. The
// first name only what is granted, as they have no word for a refusal; pii_information names what was refused, too. A receipt
// of a withdrawal lists what there was, under the event_state "withdrawn".
type Receipt struct {
	Issuer string `json:"iss"`
	// ID names the receipt: the ID of the consent, a dot, and the version of the record.
	ID       string `json:"jti"`
	IssuedAt int64  `json:"iat"`
	Subject  string `json:"sub"`

	Version           string              `json:"version"` // "KI-CR-v1.1.0"
	Jurisdiction      string              `json:"jurisdiction,omitempty"`
	ConsentTimestamp  int64               `json:"consentTimestamp"`
	CollectionMethod  string              `json:"collectionMethod"` // "web page" or "wallet"
	ConsentReceiptID  string              `json:"consentReceiptID"` // as jti
	Language          string              `json:"language,omitempty"`
	PIIPrincipalID    string              `json:"piiPrincipalId"` // as sub
	PIIControllers    []ReceiptController `json:"piiControllers"`
	PolicyURL         string              `json:"policyUrl,omitempty"`
	Services          []ReceiptService    `json:"services"`
	Sensitive         bool                `json:"sensitive"`
	SensitiveCategory []string            `json:"spiCat"`

	SchemaVersion       string            `json:"schema_version"` // "ISO/IEC TS 27560:2023"
	RecordID            string            `json:"record_id"`      // the ID of the consent
	PrincipalID         string            `json:"pii_principal_id"`
	Processing          ReceiptProcessing `json:"pii_processing"`
	PartyIdentification []ReceiptParty    `json:"party_identification"`
	Event               ReceiptEvent      `json:"event"`
}

// ReceiptController is a relying party in the words of Kantara.
type ReceiptController struct {
	Name    string `json:"piiController"`
	URL     string `json:"piiControllerUrl,omitempty"`
	Contact string `json:"contact,omitempty"`
}

// ReceiptService is what the data are for in the words of Kantara.
type ReceiptService struct {
	Service  string           `json:"service"`
	Purposes []ReceiptPurpose `json:"purposes"`
}

// ReceiptPurpose is one purpose with what is shared for it.
type ReceiptPurpose struct {
	Purpose              string   `json:"purpose"`
	ConsentType          string   `json:"consentType"` // "EXPLICIT"
	PIICategory          []string `json:"piiCategory"`
	PrimaryPurpose       bool     `json:"primaryPurpose"`
	Termination          string   `json:"termination"`
	ThirdPartyDisclosure bool     `json:"thirdPartyDisclosure"`
}

// ReceiptProcessing is the section "PII processing" of ISO/IEC TS 27560.
type ReceiptProcessing struct {
	PrivacyNotice string `json:"privacy_notice,omitempty"`
	// NoticeVersion names the text that the person was shown, and AskedHash is the hash of what they were asked: [Asked.Hash].
	NoticeVersion    string               `json:"privacy_notice_version,omitempty"`
	AskedHash        string               `json:"asked_hash"`
	Language         string               `json:"language,omitempty"`
	LawfulBasis      string               `json:"lawful_basis"`      // "consent"
	CollectionMethod string               `json:"collection_method"` // as collectionMethod
	WithdrawalMethod string               `json:"withdrawal_method,omitempty"`
	Jurisdiction     string               `json:"jurisdiction,omitempty"`
	PIIInformation   []ReceiptInformation `json:"pii_information"`
}

// ReceiptInformation is one item and what was decided on it.
type ReceiptInformation struct {
	Type Kind `json:"pii_type"`
	// Attribute is the name of the claim or the scope.
	Attribute       string   `json:"pii_attribute_id"`
	Resource        string   `json:"resource,omitempty"`
	Purpose         string   `json:"purpose,omitempty"`
	TrustFrameworks []string `json:"trust_frameworks,omitempty"`
	Evidence        bool     `json:"evidence,omitempty"`
	// Optional says that the client did not call it essential.
	Optional  bool      `json:"pii_optional"`
	Granted   bool      `json:"granted"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// ReceiptParty is a party of ISO/IEC TS 27560: the relying party ("pii_controller") or the provider ("pii_processor").
type ReceiptParty struct {
	ID   string `json:"party_id"`
	Name string `json:"party_name,omitempty"`
	Role string `json:"party_role"`
	URL  string `json:"party_url,omitempty"`
}

// ReceiptEvent is the section "event" of ISO/IEC TS 27560.
type ReceiptEvent struct {
	Time time.Time `json:"event_time"`
	Type string    `json:"event_type"` // "explicit"
	// State is "given", "refused" if nothing was granted, or "withdrawn".
	State string `json:"event_state"`
	// ValidityDuration is how long the decision is remembered (ISO 8601), empty if it has no end.
	ValidityDuration string `json:"validity_duration,omitempty"`
	// EntityID is who decided: the subject.
	EntityID string `json:"entity_id"`
	// ACR and AMR say how they had proved who they are.
	ACR string   `json:"acr,omitempty"`
	AMR []string `json:"amr,omitempty"`
	// WalletSignature is the wallet's signature on the decision: [WalletProof.Signature].
	WalletSignature string `json:"wallet_signature,omitempty"`
}

// issue signs the receipt of a version of a record, that lists the choices. The key that verifies it is in the ledger
// before the receipt is.
func (r *Registry) issue(ctx context.Context, rec *Record, choices []Choice) error {
	key, err := r.config.Keys.Signer(ctx, keystore.TokenSigning, r.config.Algorithm)
	if err != nil {
		return fmt.Errorf("the key of receipts: %w", err)
	}
	if err := r.keepKey(ctx, key.Public()); err != nil {
		return fmt.Errorf("keep the key of receipts: %w", err)
	}
	rec.Receipt, err = key.SignJSON(ctx, ReceiptType, r.receipt(rec, choices))
	return err
}

// receipt says what a version of a record decided.
func (r *Registry) receipt(rec *Record, choices []Choice) *Receipt {
	method := "web page"
	event := ReceiptEvent{
		Time: rec.ChangedAt, Type: "explicit", State: state(rec, choices), ValidityDuration: validity(rec, choices),
		EntityID: rec.Subject, ACR: rec.ACR, AMR: rec.AMR,
	}
	if rec.Wallet != nil {
		method, event.WalletSignature = "wallet", rec.Wallet.Signature
	}
	id := rec.ID + "." + strconv.FormatInt(rec.Version, 10)
	controller := rec.Controller
	if controller.Name == "" {
		controller.Name = rec.ClientID
	}
	all := &Receipt{
		Issuer: r.config.Issuer, ID: id, IssuedAt: rec.ChangedAt.Unix(), Subject: rec.Subject,

		Version: "KI-CR-v1.1.0", Jurisdiction: r.config.Jurisdiction, ConsentTimestamp: rec.ChangedAt.Unix(),
		CollectionMethod: method, ConsentReceiptID: id, Language: rec.Language, PIIPrincipalID: rec.Subject,
		PIIControllers:    []ReceiptController{{controller.Name, controller.URI, controller.Contact}},
		PolicyURL:         controller.PolicyURI,
		Services:          []ReceiptService{{controller.Name, purposes(rec, choices)}},
		SensitiveCategory: []string{},

		SchemaVersion: "ISO/IEC TS 27560:2023", RecordID: rec.ID, PrincipalID: rec.Subject,
		Processing: ReceiptProcessing{
			PrivacyNotice: controller.PolicyURI, NoticeVersion: rec.TextVersion, AskedHash: rec.AskedHash, Language: rec.Language,
			LawfulBasis: "consent", CollectionMethod: method, WithdrawalMethod: r.config.WithdrawalURI,
			Jurisdiction: r.config.Jurisdiction,
		},
		PartyIdentification: []ReceiptParty{
			{rec.ClientID, controller.Name, "pii_controller", controller.URI}, {ID: r.config.Issuer, Role: "pii_processor"},
		},
		Event: event,
	}
	for _, c := range choices {
		all.Processing.PIIInformation = append(all.Processing.PIIInformation, ReceiptInformation{
			Type: c.Kind, Attribute: c.Name, Resource: c.Resource, Purpose: c.Purpose, TrustFrameworks: c.TrustFrameworks,
			Evidence: c.Evidence, Optional: !c.Essential, Granted: c.Granted, ExpiresAt: c.ExpiresAt,
		})
		if _, sensitive := slices.BinarySearch(r.config.Sensitive, c.Name); sensitive && c.Granted && c.Kind != Scope {
			all.Sensitive = true
			all.SensitiveCategory = append(all.SensitiveCategory, c.Name)
		}
	}
	all.SensitiveCategory = set(all.SensitiveCategory)
	return all
}

// purposes groups what is granted by purpose; the first is the client's own.
func purposes(rec *Record, choices []Choice) []ReceiptPurpose {
	termination := "until withdrawn"
	if rec.Status == Withdrawn {
		termination = "withdrawn"
	} else if d := validity(rec, choices); d != "" {
		termination = d
	}
	all := []ReceiptPurpose{{
		Purpose: rec.Controller.Purpose, ConsentType: "EXPLICIT", PrimaryPurpose: true, Termination: termination,
	}}
	for _, c := range choices {
		if !c.Granted {
			continue
		}
		at := 0
		if c.Purpose != "" {
			at = slices.IndexFunc(all, func(p ReceiptPurpose) bool { return p.Purpose == c.Purpose })
		}
		if at < 0 {
			at = len(all)
			all = append(all, ReceiptPurpose{Purpose: c.Purpose, ConsentType: "EXPLICIT", Termination: termination})
		}
		all[at].PIICategory = append(all[at].PIICategory, c.Name)
	}
	for i := range all {
		all[i].PIICategory = set(all[i].PIICategory)
	}
	return all
}

func state(rec *Record, choices []Choice) string {
	switch {
	case rec.Status == Withdrawn:
		return "withdrawn"
	case slices.ContainsFunc(choices, func(c Choice) bool { return c.Granted }):
		return "given"
	}
	return "refused"
}

// validity is how long a decision is remembered, empty if it has no end or was withdrawn.
func validity(rec *Record, choices []Choice) string {
	if rec.Status == Withdrawn || choices[0].ExpiresAt.IsZero() {
		return ""
	}
	return "PT" + strconv.FormatInt(int64(choices[0].ExpiresAt.Sub(choices[0].DecidedAt)/time.Second), 10) + "S"
}
