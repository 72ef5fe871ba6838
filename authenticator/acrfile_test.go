package authenticator_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
)

const ownACRs = `{"acrs": [
	{"value": "urn:example:loa:3", "alternatives": [["pwd", "pop"], ["bio"]]},
	{"value": "urn:example:loa:2", "alternatives": [["otp"], ["x_card"]]}
]}`

// esignetACRs is the file that eSignet comes with, in its order, with more than eSignet needs.
const esignetACRs = `{
	"amr": {
		"PIN": [{"type": "PIN"}], "OTP": [{"type": "OTP"}], "Wallet": [{"type": "WLA"}],
		"L1-bio-device": [{"type": "BIO", "count": 1}], "L2-bio-device": [{"type": "BIO", "count": 2, "subTypes": ["Left"], "x": 1}],
		"Knowledge": [{"type": "KBI"}], "Password": [{"type": "PWD"}], "ID-token": [{"type": "IDT", "subTypes": null}],
		"Both": [{"type": "PWD"}, {"type": "OTP"}], "Two-bio": [{"type": "BIO"}, {"type": "BIO"}], "Card": [{"type": "SMART_CARD"}]
	},
	"acr_amr": {
		"mosip:idp:acr:static-code": ["PIN"],
		"mosip:idp:acr:generated-code": ["OTP"],
		"mosip:idp:acr:linked-wallet": ["Wallet"],
		"mosip:idp:acr:biometrics": ["L1-bio-device", "L2-bio-device", "Two-bio"],
		"mosip:idp:acr:knowledge": ["Knowledge"],
		"mosip:idp:acr:password": ["Both", "missing", "Password"],
		"mosip:idp:acr:id-token": ["ID-token"],
		"a:card": ["Card"]
	}
}`

func TestOwnACRsAreReadInTheirOrder(t *testing.T) {
	t.Parallel()
	acrs, err := authenticator.ParseACRs([]byte(ownACRs))
	require.NoError(t, err)
	assert.Equal(t, authenticator.ACRs{
		{Value: "urn:example:loa:3", Alternatives: []authenticator.FactorSet{
			{authenticator.Password, authenticator.Passkey}, {authenticator.Biometrics},
		}},
		{Value: "urn:example:loa:2", Alternatives: []authenticator.FactorSet{{authenticator.OTP}, {"x_card"}}},
	}, acrs)
}

func TestTheMappingFileOfESignetIsReadInItsOrder(t *testing.T) {
	t.Parallel()
	acrs, err := authenticator.ParseACRs([]byte(esignetACRs))
	require.NoError(t, err)
	type sets = []authenticator.FactorSet
	assert.Equal(t, authenticator.ACRs{
		{Value: "mosip:idp:acr:static-code", Alternatives: sets{{authenticator.PIN}}},
		{Value: "mosip:idp:acr:generated-code", Alternatives: sets{{authenticator.OTP}}},
		{Value: "mosip:idp:acr:linked-wallet", Alternatives: sets{{authenticator.Wallet}}},
		{Value: "mosip:idp:acr:biometrics", Alternatives: sets{{authenticator.Biometrics}}},
		{Value: "mosip:idp:acr:knowledge", Alternatives: sets{{authenticator.Knowledge}}},
		{Value: "mosip:idp:acr:password", Alternatives: sets{{authenticator.Password, authenticator.OTP}, {authenticator.Password}}},
		{Value: "mosip:idp:acr:id-token", Alternatives: sets{{authenticator.IDToken}}},
		{Value: "a:card", Alternatives: sets{{"smart_card"}}},
	}, acrs)
}

func TestEveryProblemOfAFileOfACRsIsNamed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file string
		problems   []string
	}{
		{"nothing", ``, []string{"not a JSON object"}},
		{"no object", `[]`, []string{"not a JSON object"}},
		{"something behind", `{"acrs": []} x`, []string{"not a JSON object"}},
		{"not UTF-8", "{\"acrs\": \"\xff\"}", []string{"not UTF-8"}},
		{"too long", strings.Repeat(" ", 256<<10) + ownACRs, []string{"more than 262144 bytes"}},
		{"neither format", `{"ACRs": []}`, []string{`neither "acrs" nor`}},
		{"both formats", `{"acrs": [], "amr": {}}`, []string{`both "acrs" and`}},
		{"twice", `{"acrs": [], "acrs": []}`, []string{`"acrs" is there twice`}},
		{"no ACRs", `{"acrs": []}`, []string{"no ACR is configured"}},
		{"no array", `{"acrs": {}, "comment": ""}`, []string{`"acrs" is not an array`, `member "comment" is not known`}},
		{"ill-formed entries", `{"acrs": [1, {"value": 2, "alternatives": []}, {"value": "x", "alternatives": "y"}, {"value": "z", "value": "z"}]}`, []string{
			"ACR 1: not a JSON object", `ACR 2: "value" is not a text`, `ACR "x": "alternatives" is not an array`, `ACR 4: "value" is there twice`,
		}},
		{"a member that is not known", `{"acrs": [{"value": "x", "alternative": [["otp"]], "alternatives": [["otp"]]}]}`, []string{
			`ACR "x": member "alternative" is not known`,
		}},
		{"names and sets", `{"acrs": [
			{"value": "a b", "alternatives": [["otp"], ["otp"]]}, {"value": "x"},
			{"value": "x", "alternatives": [[], ["pwd", "pwd"], ["OTP"]]}
		]}`, []string{
			`ACR "a b": a value is`, `ACR "a b": factor set 2 repeats`, `ACR "x": no set of factors reaches it`, `ACR "x": configured twice`,
			`ACR "x": factor set 1 is empty`, `"pwd" is twice in one set`, `factor "OTP": a name is`,
		}},
		{"an ACR twice", `{"amr": {"OTP": [{"type": "OTP"}]}, "acr_amr": {"x": ["OTP"], "x": []}}`, []string{`"acr_amr": "x" is there twice`}},
		{"a set twice", `{"amr": {"OTP": [{"type": "OTP"}], "OTP": []}, "acr_amr": {"x": ["OTP"]}}`, []string{`"amr": "OTP" is there twice`}},
		{"a name twice", `{"amr": {"OTP": [{"type": "OTP"}]}, "acr_amr": {"x": ["OTP", "OTP"]}}`, []string{`ACR "x": "OTP" is there twice`}},
		{"no mapping", `{"amr": {}}`, []string{`"acr_amr": not a JSON object`}},
		{"no sets", `{"acr_amr": {"x": []}}`, []string{`"amr": not a JSON object`}},
		{"no ACR in the mapping", `{"amr": {}, "acr_amr": {}}`, []string{"no ACR is configured"}},
		{"ill-formed sets", `{"amr": {"a": {}, "b": [], "c": [1, {}], "d": [{"type": "a b"}], "e": [{"type": "É"}]}, "acr_amr": {"x": 1, "y": [2]}}`, []string{
			`amr "a": not an array`, `amr "b": not an array of factors, or an empty one`, `amr "c": not a JSON object`, `amr "c": type ""`,
			`amr "d": type "a b"`, `amr "e": type "É"`, `ACR "x": not an array of names`, `ACR "y": not an array of names`,
		}},
		{"sets that are not there", `{"amr": {}, "acr_amr": {"x": ["OTP"]}}`, []string{`ACR "x": no set of factors reaches it`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := authenticator.ParseACRs([]byte(tt.file))
			for _, problem := range tt.problems {
				require.ErrorContains(t, err, problem)
			}
		})
	}
}

func FuzzParseACRs(f *testing.F) {
	for _, s := range []string{
		ownACRs, esignetACRs, `{"acrs":[{"value":"x","alternatives":[["otp"]]}]}`, `{"acrs":null}`, `{"acrs":[null]}`, `{"amr":null,"acr_amr":null}`,
		`{"amr":{"":[{"type":"OTP"}]},"acr_amr":{"":[""]}}`, `{"acrs":[{"value":"x","alternatives":[[null]]}]}`, `{"a":`, `{"a":1,}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		acrs, err := authenticator.ParseACRs(data)
		if err != nil {
			return
		}
		var factors []authenticator.Factor
		type entry struct {
			Value        string                    `json:"value"`
			Alternatives []authenticator.FactorSet `json:"alternatives"`
		}
		var file struct {
			ACRs []entry `json:"acrs"`
		}
		for _, acr := range acrs {
			file.ACRs = append(file.ACRs, entry(acr))
			for _, set := range acr.Alternatives {
				factors = append(factors, set...)
			}
		}
		slices.Sort(factors)
		if err := acrs.Validate(slices.Compact(factors)); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		// What was read can be written in our own format.
		ours, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		again, err := authenticator.ParseACRs(ours)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(acrs) {
			t.Fatalf("%q was read as %v, and %s as %v: %v", data, acrs, ours, again, err)
		}
	})
}

// The file is the deployment's; what it needs of the Authenticator is checked with Validate.
func ExampleParseACRs() {
	acrs, err := authenticator.ParseACRs([]byte(`{"acrs": [
		{"value": "urn:example:loa:2", "alternatives": [["pwd", "otp"]]},
		{"value": "urn:example:loa:1", "alternatives": [["otp"]]}
	]}`))
	fmt.Println(acrs.Values(), err)
	fmt.Println(acrs.Validate([]authenticator.Factor{authenticator.OTP}))
	// Output:
	// [urn:example:loa:2 urn:example:loa:1] <nil>
	// authenticator: ACR "urn:example:loa:2": factor "pwd" is not supported
}
