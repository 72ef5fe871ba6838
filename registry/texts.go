package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gosignet/signet/oauth"
)

// byLanguage is a member that is a text, and may be there for languages too.
func byLanguage(name string, at func(*oauth.Client) *map[string]string) member {
	return member{
		name: name,
		set:  func(c *oauth.Client, raw json.RawMessage) error { return setText(at(c), "", raw) },
		get: func(c *oauth.Client) (any, error) {
			if text := (*at(c))[""]; text != "" {
				return text, nil
			}
			return nil, nil
		},
		texts: at,
	}
}

func setText(texts *map[string]string, language string, raw json.RawMessage) error {
	var text string
	if err := decode(raw, &text); err != nil {
		return err
	}
	if text == "" {
		return errors.New("is empty")
	}
	if *texts == nil {
		*texts = make(map[string]string)
	}
	(*texts)[language] = text
	return nil
}

// isLanguage reports whether s has the form of a language tag (BCP 47).
func isLanguage(s string) bool {
	for part := range strings.SplitSeq(s, "-") {
		if part == "" || len(part) > 8 || strings.ContainsFunc(part, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		}) {
			return false
		}
	}
	return len(s) <= 35
}

func setPurpose(c *oauth.Client, raw json.RawMessage) error {
	c.Purpose = new(oauth.Purpose)
	var members map[string]json.RawMessage
	if err := decode(raw, &members); err != nil {
		return err
	}
	for name, value := range members {
		var err error
		switch name {
		case "type":
			err = decode(value, &c.Purpose.Type)
		case "title":
			err = setTexts(&c.Purpose.Title, value)
		case "sub_title":
			err = setTexts(&c.Purpose.SubTitle, value)
		default:
			err = errors.New("unknown")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func setTexts(texts *map[string]string, raw json.RawMessage) error {
	if err := decode(raw, texts); err != nil {
		return err
	}
	for language, text := range *texts {
		if language != "" && !isLanguage(language) {
			return errors.New("a text is in no language")
		}
		if err := checkText(text); err != nil {
			return err
		}
	}
	return nil
}

func getPurpose(c *oauth.Client) (any, error) {
	if c.Purpose == nil {
		return nil, nil
	}
	return c.Purpose, nil
}
