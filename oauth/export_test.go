package oauth

// CodeRecord is what is kept of a code.
type CodeRecord = codeRecord
