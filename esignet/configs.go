package esignet

import (
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
	type validator struct {
		Type      string `json:"type"`
		Validator string `json:"validator"`
	}
	type field struct {
		ID          string            `json:"id"`
		ControlType string            `json:"controlType"`
		LabelName   map[string]string `json:"labelName"`
		Required    bool              `json:"required"`
		Type        string            `json:"type,omitempty"`
		Format      string            `json:"format,omitempty"`
		MaxLength   int               `json:"maxLength,omitempty"`
		Validators  []validator       `json:"validators"`
	}
	fields := []field{}
	all := form.Fields
	identifier := authenticator.FormField{Name: defaultIDField, Labels: map[string]string{"en": "ID number"}}
	if form.Identifier != nil {
		identifier = *form.Identifier
		settings[idField] = identifier.Name
	} else if name, ok := settings[idField].(string); ok && name != "" {
		identifier.Name = name
	}
	if !slices.ContainsFunc(all, func(f authenticator.FormField) bool { return f.Name == identifier.Name }) {
		all = append([]authenticator.FormField{identifier}, all...)
	}
	for _, f := range all {
		spec := field{
			ID: f.Name, ControlType: "textbox", LabelName: map[string]string{}, Required: true, MaxLength: f.MaxLength,
			Validators: []validator{},
		}
		for tag, label := range f.Labels {
			spec.LabelName[languageCode(tag)] = label
		}
		if f.Type == authenticator.FieldDate {
			spec.ControlType, spec.Type, spec.Format = "date", "date", f.Format
			if spec.Format == "" {
				spec.Format = "yyyy-MM-dd"
			}
		}
		if f.Pattern != "" {
			spec.Validators = append(spec.Validators, validator{"regex", f.Pattern})
		}
		fields = append(fields, spec)
	}
	return map[string]any{
		"schema": fields, "allowedValues": map[string]any{}, "i18nValues": map[string]any{},
		"language": map[string]any{
			"mandatory": []string{"eng"}, "optional": []string{}, "langCodeMap": map[string]string{"eng": "en"},
		},
	}
}
