package conformance

import "time"

const sessionClause = "OpenID Connect Core 1.0, 3.1.2.1 and 3.1.2.3"

var oidcSessionChecks = []Check{
	{ID: "oidcc-prompt-login", Title: "prompt=login asks who is logged in to log in again", Clause: sessionClause, run: promptLogin},
	{ID: "oidcc-prompt-none-not-logged-in", Title: "prompt=none without a session is an error at the client", Clause: sessionClause, run: promptNoneNotLoggedIn},
	{ID: "oidcc-prompt-none-logged-in", Title: "prompt=none with a session succeeds without any page", Clause: sessionClause, run: func(t *trial) {
		f := t.flow(1)
		first := f.tokens()
		silent(f.again(), first)
	}},
	{ID: "oidcc-id-token-hint", Title: "prompt=none with the session's id_token_hint succeeds without any page", Clause: sessionClause, run: func(t *trial) {
		f := t.flow(1)
		first := f.tokens()
		next := f.again()
		next.params.Set("id_token_hint", first.idToken)
		silent(next, first)
	}},
	{ID: "oidcc-max-age-1", Title: "A login that is older than max_age is repeated", Clause: sessionClause, run: maxAge1},
	{ID: "oidcc-max-age-10000", Title: "A login that is younger than max_age is not repeated", Clause: sessionClause, run: maxAge10000},
	{ID: "login-pages", Title: "The pages of a login work as plain forms and have distinct URLs", Clause: "OpenID Foundation conformance suite, browser automation", run: loginPages},
}

func promptLogin(t *trial) {
	f := t.flow(1)
	first := f.tokens()
	t.wait(time.Second)
	next := f.again()
	next.params.Set("prompt", "login")
	second := next.loggedInAgain("prompt=login")
	sameSubject(t, first, second)
	before, after := authTime(first), authTime(second)
	if before > 0 && after > 0 && after <= before {
		t.fail("auth_time is not later after the second login: %v, %v", before, after)
	}
}

func promptNoneNotLoggedIn(t *trial) {
	f := t.flow(2) // state of 128 characters
	f.params.Set("prompt", "none")
	l := f.browser.open(f.requestURL())
	if l.callback == nil {
		t.fatal("prompt=none must not show a page, and shows %v", l)
	}
	f.errorCallback(l.callback, []string{"login_required", "interaction_required", "account_selection_required", "consent_required"})
}

// silent checks that a flow with prompt=none succeeds without a page, for the same login.
func silent(f *flow, first *tokens) {
	t := f.t
	f.params.Set("prompt", "none")
	l := f.browser.open(f.requestURL())
	if len(l.shown) > 0 {
		t.fatal("prompt=none must not show a page, and shows %v", l)
	}
	second := f.goodTokens(f.redeem(f.goodCallback(l)))
	sameSubject(t, first, second)
	if before, after := authTime(first), authTime(second); before != after {
		t.fail("auth_time changed without a login: %v, %v", before, after)
	}
}

func maxAge1(t *trial) {
	f := t.flow(1)
	first := f.tokens()
	t.wait(2 * time.Second)
	next := f.again()
	next.params.Set("max_age", "1")
	second := next.loggedInAgain("max_age=1")
	sameSubject(t, first, second)
	after := authTime(second)
	if after == 0 {
		t.fail("the ID Token has no auth_time though there was a max_age")
	} else if until(after).Abs() > 5*time.Minute {
		t.fail("auth_time is not recent: %v", after)
	}
	if before := authTime(first); before > 0 && after <= before {
		t.fail("auth_time is not later after the second login: %v, %v", before, after)
	}
}

func maxAge10000(t *trial) {
	f := t.flow(1)
	f.params.Set("max_age", "15000")
	first := f.tokens()
	t.wait(time.Second)
	next := f.again()
	next.params.Set("max_age", "10000")
	credentials := next.browser.credentials
	second := next.tokens()
	if next.browser.credentials > credentials {
		t.fail("the person had to log in again though the login is younger than max_age")
	}
	sameSubject(t, first, second)
	before, after := authTime(first), authTime(second)
	if before == 0 || after == 0 {
		t.fail("the ID Token has no auth_time though there was a max_age")
	}
	if before != after {
		t.fail("auth_time changed without a login: %v, %v", before, after)
	}
}

// loggedInAgain runs the flow, in which the person must have to authenticate.
func (f *flow) loggedInAgain(why string) *tokens {
	credentials := f.browser.credentials
	result := f.tokens()
	if f.browser.credentials == credentials {
		f.t.fail("%s must make the person log in again, and nobody asked them to", why)
	}
	return result
}

func loginPages(t *trial) {
	f := t.flow(1)
	l := f.login()
	f.goodCallback(l)
	seen := map[string]bool{}
	for _, p := range l.shown {
		if u := p.URL.String(); seen[u] {
			t.fail("two pages of one login have the URL %s", u)
		} else {
			seen[u] = true
		}
	}
}

func sameSubject(t *trial, first, second *tokens) {
	if first.id["sub"] != second.id["sub"] {
		t.fail("the sub changed from %v to %v", first.id["sub"], second.id["sub"])
	}
}

// authTime returns the auth_time of the ID Token, 0 without one.
func authTime(tokens *tokens) float64 {
	seconds, _ := tokens.id["auth_time"].(float64)
	return seconds
}
