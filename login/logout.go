package login

import (
	"context"
	"slices"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/oidc"
)

// Session is the session of a browser, as a page shows it.
type Session struct {
	// Account is what to call the person.
	Account string
	// Hinted says that the session is the one that the logout request hints at: the person need not be asked whether
	// they want to log out of it.
	Hinted bool
}

// Session returns the session that the token reaches, for a page that asks the person whether to log out. The error is
// ErrUnknown if there is none. The request may be nil.
func (f *Flow) Session(ctx context.Context, token string, r *oidc.LogoutRequest) (*Session, error) {
	s, err := f.sessions.get(ctx, token)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, ErrUnknown
	}
	shown := &Session{Account: s.Account}
	if r != nil && r.Hinted() && r.Client != nil && r.Subject == f.openID.Subject(r.Client, s.Identity.Subject) {
		p := s.participant(r.Client.ID)
		shown.Hinted = r.SessionID == "" || p != nil && slices.Contains(p.SIDs, r.SessionID)
	}
	return shown, nil
}

// LogOut ends the session that the token reaches, and has its clients told. Where there is none, nothing happens.
func (f *Flow) LogOut(ctx context.Context, token string) error {
	s, err := f.sessions.end(ctx, token, f.longest)
	if err != nil || s == nil {
		return err
	}
	f.loggedOut(ctx, s.Identity.Subject, s.Participants)
	return nil
}

// loggedOut records, and has the clients told, that the person is not logged in to them any more.
func (f *Flow) loggedOut(ctx context.Context, subject string, participants []participant) {
	ctx = context.WithoutCancel(ctx)
	var logouts []oidc.Logout
	for _, p := range participants {
		client, err := f.clients.Client(ctx, p.ClientID)
		if err != nil {
			f.logger.WarnContext(ctx, "a client cannot be told of a logout", "client_id", p.ClientID, "error", err)
			continue
		}
		pseudonym := f.openID.Subject(client, subject)
		f.sink.Record(ctx, audit.Event{
			Time: f.now(), Type: audit.LoggedOut, Outcome: audit.Success, ClientID: client.ID, Subject: pseudonym,
		})
		for _, sid := range p.SIDs {
			logouts = append(logouts, oidc.Logout{Client: client, Subject: pseudonym, SessionID: sid})
		}
	}
	if f.notifier != nil && len(logouts) > 0 {
		f.notifier.NotifyLogout(ctx, logouts)
	}
}
