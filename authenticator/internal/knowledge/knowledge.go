// Package knowledge reads what people say they know about themselves: the response to a form and the text of each field,
// in a form in which it can be compared with what a register says.
package knowledge
