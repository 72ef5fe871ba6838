package authenticator_test

import (
	"fmt"

	"github.com/gosignet/signet/authenticator"
)

// A deployment has two levels. A portal is registered for both and asks for the higher one first.
func ExampleACRs() {
	deployment := authenticator.ACRs{
		{Value: "urn:example:loa:1", Alternatives: []authenticator.FactorSet{
			{authenticator.OTP},
			{authenticator.Password},
		}},
		{Value: "urn:example:loa:2", Alternatives: []authenticator.FactorSet{
			{authenticator.Password, authenticator.OTP},
		}},
	}
	if err := deployment.Validate([]authenticator.Factor{authenticator.OTP, authenticator.Password}); err != nil {
		fmt.Println(err)
		return
	}

	selected := deployment.Select([]string{"urn:example:loa:2", "urn:example:loa:1"}, nil)
	for _, alternative := range selected.Alternatives() {
		fmt.Println("offer", alternative.Factors, "for", alternative.ACR)
	}

	// The person chose the password alone.
	succeeded := []authenticator.Factor{authenticator.Password}
	acr, _ := selected.Met(succeeded)
	fmt.Println("acr", acr, "amr", authenticator.AMR(succeeded))
	// Output:
	// offer [pwd otp] for urn:example:loa:2
	// offer [otp] for urn:example:loa:1
	// offer [pwd] for urn:example:loa:1
	// acr urn:example:loa:1 amr [pwd]
}

func ExampleAMR() {
	fmt.Println(authenticator.AMR([]authenticator.Factor{authenticator.Password, authenticator.OTP}))
	// Output: [pwd otp mfa]
}

// An essential request that nothing can meet leaves nothing to offer: the login must fail.
func ExampleACRs_Select() {
	deployment := authenticator.ACRs{
		{Value: "urn:example:loa:1", Alternatives: []authenticator.FactorSet{{authenticator.OTP}}},
	}
	fmt.Println(len(deployment.Select([]string{"urn:example:loa:3"}, nil)))
	// Output: 0
}
