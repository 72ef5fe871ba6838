package sunbird_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/sunbird"
)

// An insurer's registry lets people in who know their policy number, their name and their date of birth.
func Example() {
	registry := httptest.NewServer(insuranceRegistry())
	defer registry.Close()

	insurance, err := sunbird.New(sunbird.Config{
		SearchURL: registry.URL + "/api/v1/Insurance/search",
		EntityURL: registry.URL + "/api/v1/Insurance/",
		AllowHTTP: true, // for this example alone
		Form: authenticator.Form{
			Identifier: &authenticator.FormField{Name: "policyNumber", Labels: map[string]string{"en": "Policy number"}},
			Fields: []authenticator.FormField{
				{Name: "fullName", Labels: map[string]string{"en": "Full name", "fr": "Nom complet"}},
				{Name: "dob", Labels: map[string]string{"en": "Date of birth", "fr": "Date de naissance"},
					Type: authenticator.FieldDate, Format: "dd/mm/yyyy"},
			},
		},
		CompareOnly: []string{"fullName"}, // people need not know in which letters it was registered
		Claims: map[string]sunbird.Claim{
			"name":         {Field: "fullName"},
			"birthdate":    {Field: "dob"},
			"phone_number": {Field: "mobile"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	identity, err := insurance.Authenticate(context.Background(), &authenticator.Request{
		Identifier: authenticator.Identifier{Value: "FR274019"},
		Challenges: []authenticator.Challenge{{
			Factor:   authenticator.Knowledge,
			Response: `{"fullName": "amélie béranger-noël", "dob": "1991-04-17"}`,
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(identity.Subject)

	claims, err := insurance.Claims(context.Background(), &authenticator.ClaimsRequest{
		Identity: *identity, Names: []string{"name", "birthdate"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(claims.Values["name"]), string(claims.Values["birthdate"]), len(claims.Values))
	// Output:
	// 1-5f3c7a52
	// "Amélie Béranger-Noël" "1991-04-17" 2
}

// insuranceRegistry stands for a Sunbird RC registry with one policy.
func insuranceRegistry() http.Handler {
	policy := map[string]any{
		"osid": "1-5f3c7a52", "policyNumber": "FR274019", "fullName": "Amélie Béranger-Noël", "dob": "17/04/1991", "mobile": "+33639980012",
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/Insurance/search", func(w http.ResponseWriter, r *http.Request) {
		var search struct {
			Filters map[string]struct{ Eq string }
		}
		if err := json.NewDecoder(r.Body).Decode(&search); err != nil {
			http.Error(w, "not a search", http.StatusBadRequest)
			return
		}
		found := []any{}
		if search.Filters["policyNumber"].Eq == policy["policyNumber"] && search.Filters["dob"].Eq == policy["dob"] {
			found = append(found, policy)
		}
		_ = json.NewEncoder(w).Encode(found)
	})
	mux.HandleFunc("GET /api/v1/Insurance/1-5f3c7a52", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(policy)
	})
	return mux
}
