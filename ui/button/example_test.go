package button_test

import (
	"fmt"
	"net/http"

	"github.com/gosignet/signet/ui/button"
)

func Example() {
	b, err := button.New(button.Config{Names: map[string]string{"": "National ID", "km": "អត្តសញ្ញាណជាតិ"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+button.DefaultBasePath, b)

	html, err := b.Link(button.Link{Href: "/login", Label: "Sign in", Theme: "filled_black", Icon: true})
	fmt.Println(string(html)[:110], err)
	// Output:
	// <a class="signet-button" href="/login" aria-label="Sign in"><span class="signet-button-box icon filled_black s <nil>
}
