package login

// Record and SessionRecord are what is kept of logins and of sessions.
type (
	Record        = record
	SessionRecord = session
)
