package esignet

import (
	"context"
	"maps"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
)

// configs are the settings of the pages for a login to the client.
func (p *authorization) configs(ctx context.Context, c *oauth.Client) map[string]any {
	configs := maps.Clone(p.UI)
	if configs == nil {
		configs = map[string]any{}
	}
	if configs["issuer"] == nil {
		configs["issuer"] = p.Issuer
	}
	configs["auth.factor.kbi.field-details"] = p.formSpecification(ctx)
	configs["clientAdditionalConfig"] = additionalConfigOf(c)
	return configs
}

// formSpecification is the form of the identity system's questions as the pages draw it, or nil.
func (p *authorization) formSpecification(ctx context.Context) any {
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
	if form.Identifier != nil {
		all = append([]authenticator.FormField{*form.Identifier}, all...)
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
