package esignet

import (
	"cmp"
	"context"
	"slices"

	"github.com/gosignet/signet/authenticator"
)

// formSpecification is the form of the identity system's questions as the pages draw it, or nil.
//
// The pages find out of it who the person is too: in the field that "auth.factor.kbi.individual-id-field" of the settings
// names.
func (p *authorization) formSpecification(ctx context.Context, settings map[string]any) any {
	if p.Forms == nil {
		return nil
	}
	form, err := p.Forms.Form(ctx, authenticator.Knowledge)
	if err != nil || form == nil {
		return nil
	}
	all := form.Fields
	identifier := authenticator.FormField{Name: defaultIDField, Labels: authenticator.Texts{"en": "ID number"}}
	if form.Identifier != nil {
		identifier = *form.Identifier
		settings[idField] = identifier.Name
	} else if name, ok := settings[idField].(string); ok && name != "" {
		identifier.Name = name
	}
	if !slices.ContainsFunc(all, func(f authenticator.FormField) bool { return f.Name == identifier.Name }) {
		all = append([]authenticator.FormField{identifier}, all...)
	}
	fields, allowed, codes := []fieldSpecification{}, map[string]any{}, map[string]string{}
	mandatory, optional := []string{}, []string{}
	for _, f := range all {
		spec := fieldSpecification{
			ID: f.Name, ControlType: controlTypes[f.Type], LabelName: codesOf(f.Labels), Info: codesOf(f.Hints),
			Placeholder: codesOf(f.Placeholders), Required: !f.Optional, Disabled: f.Fixed, MaxLength: f.MaxLength,
			AlignmentGroup: f.Group, CapsLockCheck: f.CapsLock, Prefix: f.Prefixes, Validators: []validator{},
		}
		if len(f.Labels) == 0 {
			spec.LabelName["eng"] = f.Name
		}
		switch f.Type {
		case authenticator.FieldDate:
			spec.Type, spec.Format = "date", cmp.Or(f.Format, "yyyy-MM-dd")
		case authenticator.FieldPhoto:
			spec.AcceptedFileTypes = []string{"image/jpeg"}
		case authenticator.FieldPassword:
			spec.Confirm = &f.Confirm
		}
		if len(f.Languages)+len(f.OptionalLanguages) > 0 { // which are the same for all fields of the form there
			spec.Type = "simpleType"
			mandatory, optional = union(mandatory, f.Languages), union(optional, f.OptionalLanguages)
		}
		if f.Pattern != "" {
			spec.Validators = append(spec.Validators, validator{Regex: "^(?:" + f.Pattern + ")$"})
		}
		for _, r := range f.Rules {
			v := validator{Regex: r.Pattern, Error: codesOf(r.Errors)}
			if r.Language != "" {
				v.LangCode = new(languageCode(r.Language))
			}
			spec.Validators = append(spec.Validators, v)
		}
		for _, t := range []authenticator.Texts{f.Labels, f.Hints, f.Placeholders} {
			for tag := range t {
				if code := languageCode(tag); code != tag && tag != "" {
					codes[code] = tag
				}
			}
		}
		if options := map[string]map[string]string{}; len(f.Options) > 0 {
			for _, o := range f.Options {
				options[o.Value] = codesOf(o.Labels)
			}
			allowed[f.Name] = options
		}
		if f.Value != "" {
			allowed[f.Name] = f.Value
		}
		fields = append(fields, spec)
	}
	if len(mandatory) == 0 {
		mandatory = []string{"eng"}
	}
	codes["eng"] = "en"
	messages := map[authenticator.Message]map[string]string{}
	for m, texts := range form.Messages {
		messages[m] = codesOf(texts)
	}
	return map[string]any{
		"schema": fields, "allowedValues": allowed, "i18nValues": map[string]any{"errors": messages},
		"language": map[string]any{"mandatory": mandatory, "optional": optional, "langCodeMap": codes},
	}
}

// fieldSpecification is a field as the pages draw it.
type fieldSpecification struct {
	ID                string            `json:"id"`
	ControlType       string            `json:"controlType"`
	LabelName         map[string]string `json:"labelName"`
	Info              map[string]string `json:"info,omitempty"`
	Placeholder       map[string]string `json:"placeholder,omitempty"`
	Required          bool              `json:"required"`
	Disabled          bool              `json:"disabled,omitempty"`
	Type              string            `json:"type,omitempty"`
	Format            string            `json:"format,omitempty"`
	MaxLength         int               `json:"maxLength,omitempty"`
	AlignmentGroup    string            `json:"alignmentGroup,omitempty"`
	CapsLockCheck     bool              `json:"capsLockCheck,omitempty"`
	Confirm           *bool             `json:"confirm,omitempty"`
	Prefix            []string          `json:"prefix,omitempty"`
	AcceptedFileTypes []string          `json:"acceptedFileTypes,omitempty"`
	Validators        []validator       `json:"validators"`
}

type validator struct {
	Regex    string            `json:"regex"`
	Error    map[string]string `json:"error,omitempty"`
	LangCode *string           `json:"langCode"`
}

var controlTypes = map[authenticator.FieldType]string{
	"": "textbox", authenticator.FieldText: "textbox", authenticator.FieldDigits: "textbox", authenticator.FieldDate: "date",
	authenticator.FieldPassword: "password", authenticator.FieldChoice: "dropdown", authenticator.FieldCheckbox: "checkbox",
	authenticator.FieldPhone: "phone", authenticator.FieldPhoto: "photo",
}

// codesOf are texts by the codes of languages that the API has.
func codesOf(texts authenticator.Texts) map[string]string {
	byCode := map[string]string{}
	for tag, text := range texts {
		byCode[languageCode(tag)] = text
	}
	return byCode
}

func union(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
