package ui_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/jpeg"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

// controls is a form with every type of question.
var controls = &authenticator.Form{
	Identifier: &authenticator.FormField{Name: "mobile", Type: authenticator.FieldPhone, Prefixes: []string{"+855", "+33"}, Labels: authenticator.Texts{"eng": "Mobile"}},
	Fields: []authenticator.FormField{
		{
			Name: "title", Optional: true, Labels: authenticator.Texts{"eng": "Title", "ara": "اللقب"}, Hints: authenticator.Texts{"eng": "Such as Dr", "ara": "مثل دكتور"},
			Placeholders: authenticator.Texts{"eng": "Dr"}, CapsLock: true, Group: "name",
		},
		{Name: "family", Group: "name", Labels: authenticator.Texts{"eng": "Family name"}, Rules: []authenticator.FormRule{
			{Pattern: "^[A-Z]", Errors: authenticator.Texts{"eng": "Begin with a capital.", "ara": "ابدأ بحرف كبير."}}, {Pattern: "^[\u0600-\u06ff]", Language: "ara"},
		}},
		{Name: "secret", Type: authenticator.FieldPassword, Confirm: true, Labels: authenticator.Texts{"eng": "Secret"}},
		{Name: "born", Type: authenticator.FieldDate, Format: "dd/mm/yyyy", Labels: authenticator.Texts{"eng": "Born"}, Rules: []authenticator.FormRule{
			{Pattern: "/19[0-9]{2}$", Errors: authenticator.Texts{"eng": "Born in the last century."}},
		}},
		{Name: "gender", Type: authenticator.FieldChoice, Labels: authenticator.Texts{"eng": "Gender"}, Options: []authenticator.FormOption{
			{Value: "m", Labels: authenticator.Texts{"eng": "Male", "ara": "ذكر"}}, {Value: "f", Labels: authenticator.Texts{"eng": "Female"}},
		}},
		{Name: "truth", Type: authenticator.FieldCheckbox, Labels: authenticator.Texts{"eng": "It is true"}},
		{Name: "news", Type: authenticator.FieldCheckbox, Optional: true, Value: "true", Labels: authenticator.Texts{"eng": "News"}},
		{Name: "home", Type: authenticator.FieldPhone, Optional: true, Prefixes: []string{"+855"}, Labels: authenticator.Texts{"eng": "At home"}},
		{Name: "names", Languages: []string{"eng", "khm"}, OptionalLanguages: []string{"ara"}, Labels: authenticator.Texts{"eng": "Full name"}, Rules: []authenticator.FormRule{
			{Pattern: `^\p{Khmer}`, Language: "km", Errors: authenticator.Texts{"eng": "Write it in Khmer."}},
		}},
		{Name: "country", Fixed: true, Value: "Meridian", Labels: authenticator.Texts{"eng": "Country"}},
	},
	Messages: map[authenticator.Message]authenticator.Texts{authenticator.MessageMismatch: {"eng": "These differ."}},
}

// withPhoto asks for a photo too.
func withPhoto() *authenticator.Form {
	form := controls.Clone()
	form.Fields = append(form.Fields, authenticator.FormField{Name: "face", Type: authenticator.FieldPhoto, Labels: authenticator.Texts{"eng": "Face"}})
	return form
}

func controlAnswers(changed ...string) []string {
	answers := []string{
		"form", "1", "identifier.prefix", "+33", "identifier", "6 12 34 56", "field.family", "Sok", "field.secret", " s ", "field.secret_confirm", " s ",
		"field.born.day", "27", "field.born.month", "2", "field.born.year", "1990", "field.gender", "f", "field.truth", "true",
		"field.names.eng", "Sok Dara", "field.names.khm", "សុខ ដារ៉ា", "field.country", "Elsewhere",
	}
	for i := 0; i+1 < len(changed); i += 2 {
		at := slices.Index(answers, changed[i])
		if at < 0 {
			answers = append(answers, changed[i], changed[i+1])
		} else {
			answers[at+1] = changed[i+1]
		}
	}
	return answers
}

func atControls(t testing.TB, form *authenticator.Form) *fakeLogin {
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Knowledge, Form: form}, func(c *ui.Config) {
		c.MaxResponse = func(authenticator.Factor) int { return 3 << 20 }
	})
	f.flow.do = moveOn
	return f
}

func TestEveryTypeOfQuestionIsAControlOfItsOwn(t *testing.T) {
	t.Parallel()
	f := atControls(t, controls)
	page := f.page()
	for _, part := range []string{
		`<select name="identifier.prefix" id="kba_vid-prefix"`, `<option value="&#43;855" selected>`, `id="kba_vid" name="identifier" value="" dir="ltr" inputmode="tel"`,
		`<p class="hint">Optional</p>`, `<p class="hint" id="field-title-hint">Such as Dr</p>`, `placeholder="Dr"`, `data-caps-lock="Caps Lock is on."`,
		`<div class="beside">`, `type="password" id="field-secret" name="field.secret" dir="auto"`, `<label for="field-secret_confirm">Secret, once more</label>`,
		`<select id="field-gender" name="field.gender" required data-missing="Fill in: Gender." aria-invalid="false">`, `<option value="">Choose</option>`, `<option value="f">Female</option>`,
		`<input type="checkbox" id="field-truth" name="field.truth" value="true" required data-missing="Tick: It is true." aria-invalid="false">`,
		`id="field-news" name="field.news" value="true" checked aria-invalid="false">`, `<span class="prefix" id="field-home-prefix" dir="ltr">&#43;855</span>`,
		`<legend>Full name</legend>`, `<label for="field-names.khm" lang="km" dir="ltr">ខ្មែរ</label>`, `name="field.names.ara" value="" dir="rtl" lang="ar" maxlength="100" autocomplete="off">`,
		`value="Meridian" dir="auto" maxlength="100" autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck="false" required data-missing="Fill in: Country." readonly>`,
	} {
		assert.Contains(t, page.body, part)
	}
	assert.NotContains(t, page.body, "multipart")
	assert.Contains(t, page.header.Get("Permissions-Policy"), "camera=()")

	requireMoved(t, f.submit(page, "verify/kba", controlAnswers("field.home", "+855 23-44")...))
	id, c := f.flow.answered()
	assert.Equal(t, "+336123456", id.Value)
	assert.JSONEq(t, `{"family": "Sok", "secret": " s ", "born": "1990-02-27", "gender": "f", "truth": "true", "news": "false", "home": "+8552344",
		"names": [{"language": "eng", "value": "Sok Dara"}, {"language": "khm", "value": "សុខ ដារ៉ា"}], "country": "Meridian"}`, c.Response)
}

func TestMistakesInEveryTypeOfQuestionAreSaidAtTheirFields(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ field, value, id, want string }{
		"no number":               {"identifier", " ", "kba_vid", "Fill in: Mobile."},
		"a number of letters":     {"identifier", "12a", "kba_vid", "Mobile: use digits only."},
		"a rule":                  {"field.family", "sok", "field-family", "Begin with a capital."},
		"passwords that differ":   {"field.secret_confirm", "t", "field-secret_confirm", "Secret: These differ."},
		"a rule for dates":        {"field.born.year", "2010", "field-born.day", "Born in the last century."},
		"no choice":               {"field.gender", "", "field-gender", "Fill in: Gender."},
		"a choice of one's own":   {"field.gender", "x", "field-gender", "Fill in: Gender."},
		"no tick":                 {"field.truth", "", "field-truth", "Tick: It is true."},
		"a half number":           {"field.home", "+855", "field-home", "At home: use digits only."},
		"a long number":           {"field.home", strings.Repeat("1", 101), "field-home", "At home: use at most 100 characters."},
		"one language is missing": {"field.names.khm", "", "field-names.khm", "Fill in: Full name."},
		"a rule for one language": {"field.names.khm", "Dara", "field-names.khm", "Write it in Khmer."},
		"a long optional text":    {"field.title", strings.Repeat("x", 101), "field-title", "Title: use at most 100 characters."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := atControls(t, controls)
			a := f.post(f.page(), "verify/kba", controlAnswers(c.field, c.value)...)
			require.Equal(t, http.StatusUnprocessableEntity, a.status)
			assert.Contains(t, a.body, `<li><a href="#`+c.id+`">`)
			assert.Contains(t, a.text(), c.want)
			assert.Contains(t, a.body, `aria-invalid="true"`)
			assert.Contains(t, a.body, `role="alert" tabindex="-1" autofocus`)
			assert.Empty(t, f.flow.made())
			if !strings.Contains(c.field, "secret") {
				assert.Contains(t, a.text(), "Secret: enter it again. It was not kept.")
			}
			assert.NotContains(t, a.body, `value=" s "`, "secrets are not sent back")
			if c.field != "field.gender" {
				assert.Contains(t, a.body, `<option value="f" selected>`)
			}
			assert.Contains(t, a.body, `<option value="&#43;33" selected>`)
		})
	}
}

func TestTheFormSpeaksTheLanguageOfThePageAndItsDirection(t *testing.T) {
	t.Parallel()
	f := atControls(t, controls)
	f.header.Set("Accept-Language", "ar")
	page := f.page()
	for _, part := range []string{
		`dir="rtl"`, `<label for="field-title">اللقب</label>`, `>مثل دكتور</p>`, `<option value="m">ذكر</option>`,
		`<option value="f" lang="eng">Female</option>`, `<legend lang="eng" dir="auto">Full name</legend>`,
	} {
		assert.Contains(t, page.body, part)
	}
	a := f.post(page, "verify/kba", controlAnswers("field.family", "sok")...)
	assert.Contains(t, a.text(), "ابدأ بحرف كبير.")
	a = f.post(page, "verify/kba", controlAnswers("field.family", "Sok")...)
	assert.Equal(t, http.StatusUnprocessableEntity, a.status, "the rule for readers of Arabic")
}

func picture(t testing.TB) []byte {
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8)), nil))
	return b.Bytes()
}

// postPhoto sends the form as browsers send one with a file.
func (f *fakeLogin) postPhoto(page *answer, photo []byte, fields ...string) *answer {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		require.NoError(f.tb, w.WriteField(fields[i], fields[i+1]))
	}
	require.NoError(f.tb, w.WriteField("csrf", page.csrf(f.tb)))
	name := "me.jpg"
	if photo == nil {
		name = ""
	}
	file, err := w.CreateFormFile("field.face", name)
	require.NoError(f.tb, err)
	_, err = file.Write(photo)
	require.NoError(f.tb, err)
	require.NoError(f.tb, w.Close())
	f.header.Set("Content-Type", w.FormDataContentType())
	defer f.header.Del("Content-Type")
	return f.send(http.MethodPost, page.login()+"/verify/kba", b.String())
}

func TestAPhotoIsSentWithoutJavaScript(t *testing.T) {
	t.Parallel()
	f := atControls(t, withPhoto())
	page := f.page()
	assert.Contains(t, page.body, `enctype="multipart/form-data"`)
	assert.Contains(t, page.body, `<input type="file" id="field-face" name="field.face" accept="image/jpeg" capture="user" required`)
	assert.Contains(t, page.text(), "A JPEG photo of at most 2 MB")
	assert.Contains(t, page.header.Get("Permissions-Policy"), "camera=(self)")
	photo := picture(t)
	a := f.postPhoto(page, photo, controlAnswers()...)
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	_, c := f.flow.answered()
	var response map[string]any
	require.NoError(t, json.Unmarshal([]byte(c.Response), &response))
	assert.Equal(t, base64.RawURLEncoding.EncodeToString(photo), response["face"])
	assert.Equal(t, "Sok", response["family"])
}

func TestWhatIsWrongWithAPhotoIsSaidAtItsField(t *testing.T) {
	t.Parallel()
	large := append(picture(t), make([]byte, 5<<20)...)
	for name, c := range map[string]struct {
		photo  []byte
		family string
		want   string
	}{
		"none":                   {nil, "Sok", "Face: take or choose a photo."},
		"no JPEG":                {[]byte("GIF89a"), "Sok", "Face: this is no JPEG photo."},
		"too large":              {large, "Sok", "Face: the file has more than 2 MB."},
		"another field is wrong": {picture(t), "sok", "Face: add the photo again."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := atControls(t, withPhoto())
			a := f.postPhoto(f.page(), c.photo, controlAnswers("field.family", c.family)...)
			require.Equal(t, http.StatusUnprocessableEntity, a.status)
			assert.Contains(t, a.text(), c.want)
			assert.Contains(t, a.body, `<li><a href="#field-face">`)
			assert.Contains(t, a.body, `value="Sok Dara"`, "what was typed is kept")
			assert.Contains(t, a.header.Get("Permissions-Policy"), "camera=(self)")
			assert.Empty(t, f.flow.made())
		})
	}
}

// postFiles sends files of which the form knows nothing.
func (f *fakeLogin) postFiles(page *answer, n, size int) *answer {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	require.NoError(f.tb, w.WriteField("csrf", page.csrf(f.tb)))
	for i := range n {
		file, err := w.CreateFormFile("more"+strconv.Itoa(i), "more.jpg")
		require.NoError(f.tb, err)
		_, err = file.Write(make([]byte, size))
		require.NoError(f.tb, err)
	}
	require.NoError(f.tb, w.Close())
	f.header.Set("Content-Type", w.FormDataContentType())
	defer f.header.Del("Content-Type")
	return f.send(http.MethodPost, page.login()+"/verify/kba", b.String())
}

func TestAnUploadHasBounds(t *testing.T) {
	t.Parallel()
	f := atControls(t, withPhoto())
	page := f.page()
	assert.Equal(t, http.StatusRequestEntityTooLarge, f.postPhoto(page, make([]byte, 17<<20), controlAnswers()...).status)
	assert.Equal(t, http.StatusBadRequest, f.postPhoto(page, picture(t), controlAnswers("field.title", strings.Repeat("x", 16<<10))...).status)
	var many []string
	for range 130 {
		many = append(many, "more", "x")
	}
	assert.Equal(t, http.StatusBadRequest, f.postPhoto(page, picture(t), many...).status)
	assert.Equal(t, http.StatusBadRequest, f.postPhoto(page, picture(t), "form", "1", "form", "2").status)
	assert.Equal(t, http.StatusBadRequest, f.postFiles(page, 5, 2<<20).status, "nothing is cut off")
	f.header.Set("Content-Type", "multipart/form-data")
	assert.Equal(t, http.StatusBadRequest, f.send(http.MethodPost, page.login()+"/verify/kba", "x").status)
	f.header.Del("Content-Type")
	f.header.Set("Sec-Fetch-Site", "cross-site")
	assert.Equal(t, http.StatusForbidden, f.postPhoto(page, picture(t), controlAnswers()...).status)
	assert.Empty(t, f.flow.made())
}
