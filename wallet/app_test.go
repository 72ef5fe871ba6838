package wallet_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"rsc.io/qr"

	"github.com/gosignet/signet/wallet"
)

func TestDeepLinksCarryTheCodeAndItsExpiry(t *testing.T) {
	t.Parallel()
	c := wallet.Code{Code: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", ExpiresAt: now.In(time.FixedZone("", 7*3600))}
	want := "inji://link?c=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&until=2031-03-14T09:26:53.000Z"
	for _, template := range []string{
		"inji://link?c={LINK_CODE}&until={LINK_EXPIRE_DT}",
		"inji://link?c=LINK_CODE&until=LINK_EXPIRE_DT",
	} {
		app := wallet.App{Name: "Inji", DeepLink: template}
		require.NoError(t, app.Validate())
		assert.Equal(t, want, app.Link(c))
		_, err := url.Parse(app.Link(c))
		require.NoError(t, err)
	}
}

func TestAWalletsConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	app := wallet.App{LogoURI: "http://x/logo.svg", DownloadURI: "javascript:alert(1)", DeepLink: "javascript:alert(1)"}
	err := app.Validate()
	for _, problem := range []string{"Name", "LogoURI", "DownloadURI", "must not have the scheme", "lacks {LINK_CODE}"} {
		require.ErrorContains(t, err, problem)
	}
	for _, link := range []string{"", "LINK_CODE", "://LINK_CODE", "data:LINK_CODE", "x:" + strings.Repeat("a", 2000) + "LINK_CODE"} {
		assert.Error(t, (&wallet.App{Name: "Inji", DeepLink: link}).Validate(), link)
	}
}

func TestQRCodesAreDrawnModuleByModule(t *testing.T) {
	t.Parallel()
	text := "inji://link?c=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	svg, err := wallet.QR(text, `Scan "with" <Inji>`)
	require.NoError(t, err)
	wellFormed(t, svg)
	assert.Contains(t, svg, `aria-label="Scan &#34;with&#34; &lt;Inji&gt;"`)
	code, err := qr.Encode(text, qr.M)
	require.NoError(t, err)
	drawn := draw(t, svg)
	for y := range code.Size {
		for x := range code.Size {
			require.Equal(t, code.Black(x, y), drawn[[2]int{x + 4, y + 4}], "%d %d", x, y)
			delete(drawn, [2]int{x + 4, y + 4})
		}
	}
	assert.Empty(t, drawn, "four modules around it are quiet")
	_, err = wallet.QR(strings.Repeat("x", 3000), "")
	require.Error(t, err)
}

// draw returns the modules that the second path makes black.
func draw(t testing.TB, svg string) map[[2]int]bool {
	t.Helper()
	_, path, ok := strings.Cut(svg, `fill="#000" d="`)
	require.True(t, ok)
	path, _, _ = strings.Cut(path, `"`)
	black := map[[2]int]bool{}
	for run := range strings.SplitSeq(strings.TrimPrefix(path, "M"), "M") {
		var x, y, n, back int
		_, err := fmt.Sscanf(run, "%d %dh%dv1h-%dz", &x, &y, &n, &back)
		require.NoError(t, err, run)
		require.Equal(t, n, back)
		for i := range n {
			black[[2]int{x + i, y}] = true
		}
	}
	return black
}

func wellFormed(t testing.TB, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}

func FuzzQR(f *testing.F) {
	f.Add("inji://link?c=1", "Scan")
	f.Add("", "\x00")
	f.Fuzz(func(t *testing.T, text, label string) {
		svg, err := wallet.QR(text, label)
		if err == nil && !strings.ContainsFunc(label, func(r rune) bool { return r < ' ' || r > 0xFFFD-1 }) {
			wellFormed(t, svg)
		}
	})
}
