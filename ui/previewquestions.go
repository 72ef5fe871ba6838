package ui

import (
	"net/url"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// previewControls are the types of questions, each as one of a form.
func previewControls() []authenticator.FormField {
	return []authenticator.FormField{
		{
			Name: "occupation", Labels: authenticator.Texts{"en": "Occupation", "fr": "Profession", "ar": "المهنة"}, Optional: true, CapsLock: true,
			Hints:        authenticator.Texts{"en": "As it stands in your family book.", "fr": "Comme dans votre livret de famille.", "ar": "كما في دفتر العائلة."},
			Placeholders: authenticator.Texts{"en": "Teacher", "fr": "Enseignante", "ar": "معلّمة"},
		},
		{Name: "secret", Type: authenticator.FieldPassword, Labels: authenticator.Texts{"en": "Secret word", "fr": "Mot secret", "ar": "الكلمة السرية"}, Confirm: true, CapsLock: true},
		{Name: "dateOfBirth", Type: authenticator.FieldDate, Labels: authenticator.Texts{"en": "Date of birth", "fr": "Date de naissance", "ar": "تاريخ الميلاد"}},
		{
			Name: "province", Type: authenticator.FieldChoice, Labels: authenticator.Texts{"en": "Province of birth", "fr": "Province de naissance", "ar": "محافظة الميلاد"},
			Options: []authenticator.FormOption{
				{Value: "north", Labels: authenticator.Texts{"en": "North", "fr": "Nord", "ar": "الشمال"}},
				{Value: "south", Labels: authenticator.Texts{"en": "South", "fr": "Sud", "ar": "الجنوب"}},
			},
		},
		{Name: "truth", Type: authenticator.FieldCheckbox, Labels: authenticator.Texts{"en": "I answer for myself", "fr": "Je réponds pour moi-même", "ar": "أجيب عن نفسي"}},
		{Name: "mobile", Type: authenticator.FieldPhone, Labels: authenticator.Texts{"en": "Mobile number", "fr": "Numéro de portable", "ar": "رقم الجوال"}, Prefixes: []string{"+855", "+33"}},
		{Name: "face", Type: authenticator.FieldPhoto, Labels: authenticator.Texts{"en": "Your face", "fr": "Votre visage", "ar": "وجهك"}},
		{
			Name: "fullName", Labels: authenticator.Texts{"en": "Full name", "fr": "Nom complet", "ar": "الاسم الكامل"},
			Languages: []string{"eng", "khm"}, OptionalLanguages: []string{"ara"},
		},
		{Name: "district", Labels: authenticator.Texts{"en": "District", "fr": "District", "ar": "المنطقة"}, Value: "Meridian", Fixed: true, Group: "place"},
		{Name: "village", Labels: authenticator.Texts{"en": "Village", "fr": "Village", "ar": "القرية"}, Group: "place"},
	}
}

// questionScreens show forms of the identity system.
func questionScreens() []screen {
	page := verifyPage + string(authenticator.Knowledge)
	asks := func(fields ...authenticator.FormField) func(s *login.State) {
		return and(at(login.StepVerify, authenticator.Knowledge), func(s *login.State) {
			s.Identifies, s.Form = true, &authenticator.Form{Fields: fields}
		})
	}
	kbi := asks(
		authenticator.FormField{Name: "fullName", Labels: authenticator.Texts{"en": "Full name", "fr": "Nom complet", "ar": "الاسم الكامل"}},
		authenticator.FormField{Name: "dateOfBirth", Type: authenticator.FieldDate, Labels: authenticator.Texts{"en": "Date of birth", "fr": "Date de naissance", "ar": "تاريخ الميلاد"}},
		authenticator.FormField{Name: "cardNumber", Type: authenticator.FieldDigits, Labels: authenticator.Texts{"en": "Card number", "fr": "Numéro de carte", "ar": "رقم البطاقة"}},
	)
	errors := func(name, title string, change func(s *login.State), form url.Values) screen {
		return newScreen(name, title, func(p *previewVisit) { p.visit(page, "", change).verifyForm(authenticator.Knowledge, form) })
	}
	list := []screen{
		loginScreen("kbi", "What the person knows", page, "", kbi),
		errors("kbi-errors", "What the person knows: with mistakes", kbi, url.Values{
			"field.dateOfBirth.day": {"31"}, "field.dateOfBirth.month": {"2"}, "field.dateOfBirth.year": {"1990"}, "field.cardNumber": {"12a"},
		}),
	}
	all := previewControls()
	for i, c := range []struct{ name, title string }{
		{"text", "a text that may be left out"}, {"password", "a password"}, {"date", "a date"}, {"choice", "a choice"},
		{"checkbox", "a check box"}, {"phone", "a phone number"}, {"photo", "a photo"}, {"languages", "a text in several languages"},
	} {
		list = append(list, loginScreen("kbi-"+c.name, "What the person knows: "+c.title, page, "", asks(all[i])))
	}
	return append(list,
		loginScreen("kbi-all", "What the person knows: all types of questions", page, "", asks(all...)),
		errors("kbi-all-errors", "What the person knows: all types of questions, with mistakes", asks(all...), url.Values{
			"field.secret": {"one"}, "field.secret_confirm": {"two"}, "field.mobile": {"12a"}, "field.mobile.prefix": {"+33"},
			"field.face": {"no photo"}, "field.fullName.eng": {"Sok Dara"}, "field.village": {"Prey Veng"},
		}),
	)
}
