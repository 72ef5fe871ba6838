package e2e_test

import (
	"bytes"
	"flag"
	"html/template"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
)

var pictures = flag.String("pictures", "", "`directory` for pictures of every page in every state")

// album holds small pictures of the pages in a language, for a sheet that shows them all.
type album struct {
	language string
	Pictures []picture
	data     [][]byte
}

// picture is one of an album, at the number that it has there.
type picture struct {
	Number        int
	Name          string
	Width, Height int64
}

// The sizes of the screens, and by how much pictures of them are smaller.
const (
	phoneWidth, phoneHeight   = 390, 844
	screenWidth, screenHeight = 1280, 800
	phoneScale, screenScale   = .4, .2
)

// keep takes pictures of the page if that was asked for.
func (a *album) keep(b *tab, state ui.PreviewState, width, height int64, scale float64) {
	b.t.Helper()
	if *screenshots != "" {
		shot, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
			Clip: &page.Viewport{Width: float64(width), Height: float64(height), Scale: scale},
		})
		require.NoError(b.t, err)
		a.Pictures = append(a.Pictures, picture{len(a.data), state.Name, int64(float64(width) * scale), int64(float64(height) * scale)})
		a.data = append(a.data, shot.Data)
	}
	if *pictures != "" {
		data, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		require.NoError(b.t, err)
		write(b.t, *pictures, strings.Join([]string{state.Name, a.language, strconv.FormatInt(width, 10)}, "-"), data)
	}
}

var sheet = template.Must(template.New("sheet").Parse(`<!doctype html><meta charset="utf-8"><title>Pages</title><style>
body { margin: 8px; background: #888; display: flex; flex-wrap: wrap; gap: 10px; font: 10px sans-serif }
figure { margin: 0; overflow: hidden } figcaption { padding: 2px 0; white-space: nowrap } img { display: block }
</style>{{range .Pictures}}<figure style="width:{{.Width}}px"><figcaption>{{.Name}}</figcaption>` +
	`<img src="{{.Number}}" width="{{.Width}}" height="{{.Height}}" alt=""></figure>{{end}}`))

// write puts all pictures on one sheet.
func (a *album) write(b *tab) {
	b.t.Helper()
	if len(a.data) == 0 {
		return
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i, err := strconv.Atoi(r.URL.Path[1:]); err == nil && i < len(a.data) {
			w.Write(a.data[i])
			return
		}
		sheet.Execute(w, a)
	}))
	defer server.Close()
	b.do("lay out the sheet", chromedp.EmulateViewport(1600, 800), chromedp.Navigate(server.URL))
	data, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	write(b.t, *screenshots, "pages-"+a.language, data)
}

// write makes a picture small and keeps it under the name.
func write(t *testing.T, directory, name string, data []byte) {
	t.Helper()
	shot, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	var small bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	require.NoError(t, encoder.Encode(&small, image.Image(quantize(shot))))
	require.NoError(t, os.MkdirAll(directory, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(directory, name+".png"), small.Bytes(), 0o644))
}
