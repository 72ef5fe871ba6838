package sender_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
	"github.com/gosignet/signet/authenticator/sender"
)

// Codes by e-mail and by SMS: the Mux is the Sender of a directory.
func Example() {
	// Stands for the gateway's host, which has https.
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.Header.Get("X-Api-Key"), r.FormValue("to"), r.FormValue("text"))
		fmt.Fprint(w, `{"messages": [{"status": "queued"}]}`)
	}))
	defer gateway.Close()

	texts := map[string]sender.Text{
		"en": {Subject: "Your code", Body: "Your code: {{.Code}}"},
		"km": {Subject: "លេខកូដរបស់អ្នក", Body: "លេខកូដ៖ {{.Code}}"},
	}
	mail, err := sender.NewSMTP(sender.SMTPConfig{
		Host: "mail.example.org", Username: "mailer", Password: "from a secret store",
		From: "Example ID <no-reply@example.org>", Texts: texts,
	})
	if err != nil {
		panic(err)
	}
	sms, err := sender.NewGateway(sender.GatewayConfig{
		URL: gateway.URL, AllowHTTP: true,
		Headers: map[string]string{"X-Api-Key": "from-a-secret-store"},
		Format:  sender.Form, Body: "to={{.To}}&text={{.Text}}",
		AnswerField: "messages.0.status", AnswerValues: []string{"queued", "sent"},
		Texts: texts,
	})
	if err != nil {
		panic(err)
	}
	senders := sender.Mux{authenticator.Email: mail, authenticator.Phone: sms}

	err = senders.SendCode(context.Background(), &directory.Message{
		Code: "480269", To: directory.Contact{Channel: authenticator.Phone, Address: "+85512000269"},
		Locales: []string{"km-KH", "en"}, ExpiresAt: time.Now().Add(3 * time.Minute),
	})
	fmt.Println(err)
	// Output:
	// POST from-a-secret-store +85512000269 លេខកូដ៖ 480269
	// <nil>
}
