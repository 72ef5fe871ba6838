package ui

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// zeroes are the zeroes of the numbering systems (CLDR) that a language may name: the other nine digits follow each.
var zeroes = map[string]rune{
	"latn": '0', "arab": '٠', "arabext": '۰', "beng": '০', "deva": '०', "gujr": '૦', "guru": '੦', "khmr": '០', "knda": '೦',
	"laoo": '໐', "mlym": '൦', "mymr": '၀', "orya": '୦', "tamldec": '௦', "telu": '౦', "thai": '๐', "tibt": '༠',
}

// setNumbers reads which digits the language writes.
func (l *locale) setNumbers() error {
	numbers, _ := find(l.layers, "language.numbers")
	l.numbers = numbers.other
	l.zero = zeroes[l.numbers]
	if l.zero == 0 {
		return fmt.Errorf("ui: language %s: language.numbers must be one of %s", l.code, strings.Join(slices.Sorted(maps.Keys(zeroes)), ", "))
	}
	return nil
}

// digits writes the digits of a text of ours as the language does. What people have to type or to recognise, such as a
// phone number, is left alone.
func (l *locale) digits(text string) string {
	if l.zero == '0' {
		return text
	}
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return l.zero + r - '0'
		}
		return r
	}, text)
}

// date writes a day.
func (l *locale) date(t time.Time) string {
	month := l.text("date.month." + strings.ToLower(t.Month().String()))
	return l.text("date.day", "day", l.digits(strconv.Itoa(t.Day())), "month", month, "year", l.digits(strconv.Itoa(t.Year())))
}

// clock writes a time, with its day if that is another than today.
func (u *UI) clock(l *locale, t time.Time) string {
	t, now := t.In(u.location), u.now().In(u.location)
	clock := l.digits(t.Format("15:04")) + t.Format(" MST")
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return clock
	}
	return l.text("date.time", "date", l.date(t), "time", clock)
}

// countdown is what is left, as a clock counts down.
func (l *locale) countdown(seconds int) string {
	text := fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	if seconds >= 3600 {
		text = fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return l.digits(text)
}
