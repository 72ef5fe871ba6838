package oidf

import "strings"

// Rule is what the suite's browser does when it is sent to a URL.
type Rule struct {
	Comment string `json:"comment,omitempty"`
	Match   string `json:"match"`
	// MatchLimit is how often the rule applies. Zero means always.
	MatchLimit int    `json:"match-limit,omitempty"`
	Tasks      []Task `json:"tasks"`
}

// Task is what it does on one page. An optional one is skipped if the browser is elsewhere.
type Task struct {
	Task     string    `json:"task"`
	Match    string    `json:"match,omitempty"`
	Optional bool      `json:"optional,omitempty"`
	Commands []Command `json:"commands,omitempty"`
}

// Command is a name, a kind of selector, a selector, and more that depends on the name.
type Command []any

// Override replaces a part of the configuration for one module.
type Override struct {
	Browser []Rule `json:"browser"`
}

// browser writes rules for Signet's pages, by the ids of their elements.
type browser struct {
	issuer, callback, user, password string
}

func (o Options) browser(alias string) browser {
	return browser{
		issuer: strings.TrimSuffix(o.Issuer, "/"), callback: "*/test/a/" + alias + "/callback*",
		user: o.User, password: o.Password,
	}
}

const pageWait = 10 // seconds

func click(id string) Command { return Command{"click", "id", id} }

// tick ticks a box, if there is one that is not ticked.
func tick(id string) Command {
	return Command{"click", "xpath", "//input[@id='" + id + "' and not(@checked)]", "optional"}
}

func write(id, value string) Command   { return Command{"text", "id", id, value} }
func picture(text, act string) Command { return Command{"wait", "xpath", "//*", pageWait, text, act} }

// claims are those that the consent page can ask for.
var claims = []string{
	"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website",
	"gender", "birthdate", "zoneinfo", "locale", "updated_at", "email", "email_verified", "phone_number",
	"phone_number_verified", "address",
}

func (b browser) choose(first ...Command) Task {
	return Task{Task: "Choose the password", Optional: true, Match: b.issuer + "/login/*/choose*", Commands: append(first, click("login_with_pwd"))}
}

func (b browser) logIn(first ...Command) Task {
	return Task{Task: "Log in", Optional: true, Match: b.issuer + "/login/*/verify/pwd*", Commands: append(first,
		write("Password_vid", b.user), write("response", b.password), click("verify_password"))}
}

// consent ticks what is voluntary, and allows.
func (b browser) consent() Task {
	var commands []Command
	for _, claim := range claims {
		commands = append(commands, tick("claim-"+claim))
	}
	return Task{Task: "Consent", Optional: true, Match: b.issuer + "/login/*/consent*", Commands: append(commands, click("continue"))}
}

// complete waits for the suite's own page.
func (b browser) complete(optional bool) Task {
	return Task{Task: "Verify Complete", Match: b.callback, Optional: optional, Commands: []Command{{"wait", "id", "submission_complete", pageWait}}}
}

func (b browser) rule(tasks ...Task) Rule { return Rule{Match: b.issuer + "/authorize*", Tasks: tasks} }

// login is what happens in most modules.
func (b browser) login() []Rule {
	return []Rule{b.rule(b.choose(), b.logIn(), b.consent(), b.complete(false))}
}

// cancel is what who rejects the login does, on the first page.
func (b browser) cancel() []Rule {
	cancel := Task{Task: "Cancel", Match: b.issuer + "/login/*", Commands: []Command{click("cancel")}}
	return []Rule{b.rule(cancel, b.complete(false))}
}

// errorPage expects an error page with the code, or an error at the client.
func (b browser) errorPage(code string) []Rule {
	page := Task{Task: "Expect an error page", Optional: true, Match: b.issuer + "/authorize*", Commands: []Command{picture(code, "update-image-placeholder")}}
	return []Rule{b.rule(page, b.complete(true))}
}

// again logs in first, and then does what the other rules say.
func (b browser) again(then []Rule) []Rule {
	first := b.login()
	first[0].MatchLimit = 1
	return append(first, then...)
}

// secondLogin takes a picture of the login page that must come up the second time.
func (b browser) secondLogin() []Rule {
	photograph := picture(".*", "update-image-placeholder-optional")
	return []Rule{b.rule(b.choose(photograph), b.logIn(photograph), b.consent(), b.complete(false))}
}

// overrides are the modules in which something else happens than a login.
func (b browser) overrides() map[string]Override {
	const sp = "fapi2-security-profile-final-"
	all := map[string][]Rule{
		"oidcc-prompt-login":                   b.secondLogin(),
		"oidcc-max-age-1":                      b.secondLogin(),
		"oidcc-response-type-missing":          b.errorPage("invalid_request|unsupported_response_type"),
		"oidcc-ensure-registered-redirect-uri": b.errorPage("invalid_request"),
		"oidcc-redirect-uri-query-added":       b.errorPage("invalid_request"),

		sp + "user-rejects-authentication":                                     b.cancel(),
		sp + "par-attempt-reuse-request_uri":                                   b.again(b.errorPage("invalid_request_uri|invalid_request")),
		sp + "par-attempt-to-use-expired-request_uri":                          b.errorPage("invalid_request_uri|invalid_request"),
		sp + "par-attempt-to-use-request_uri-for-different-client":             b.errorPage("invalid_request_uri|invalid_request"),
		sp + "ensure-unsigned-authorization-request-without-using-par-fails":   b.errorPage("invalid_request"),
		sp + "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds": b.leftAlone(),
	}
	overrides := map[string]Override{}
	for module, rules := range all {
		overrides[module] = Override{Browser: rules}
	}
	return overrides
}

// leftAlone opens the login and does nothing, and logs in the second time.
func (b browser) leftAlone() []Rule {
	open := b.rule(Task{Task: "Leave the login alone", Match: b.issuer + "/login/*", Commands: []Command{picture(".*", "update-image-placeholder-optional")}})
	open.MatchLimit = 1
	return append([]Rule{open}, b.login()...)
}
