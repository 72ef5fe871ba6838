package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gosignet/signet/ui"
	"github.com/gosignet/signet/wallet"
)

// pages is what the file of -pages says: its own members, and those by which eSignet's pages know them.
type pages struct {
	IdentifierTypes []ui.IdentifierType
	Links           ui.Links
	FrameAncestors  []string
	Logos           ui.Logos

	// What follows has no members but eSignet's here. Flags, and the files of others, win.
	Biometrics    ui.Biometrics
	Wallets       []wallet.App
	CaptchaOn     string
	LoginLifetime time.Duration
	// LinkTransactionLifetime, QRBuffer and QRRefreshes are for wallets.
	LinkTransactionLifetime, QRBuffer time.Duration
	QRRefreshes                       int
	DefaultLanguage                   string
	Name, Accent                      string
	// Notes say what stands in place of keys of eSignet's that change nothing.
	Notes []note
}

type note struct{ key, instead string }

// readPages reads the file, if there is one.
func (c *config) readPages() (*pages, error) {
	p := new(pages)
	p.Logos.AllowPrivate = c.onLoopback() // one that is itself on this machine may show its neighbours' logos
	if c.pagesFile == "" {
		return p, nil
	}
	data, err := readBounded(c.pagesFile)
	if err != nil {
		return nil, fmt.Errorf("-pages: %w", err)
	}
	if err := p.read(data, filepath.Dir(c.pagesFile)); err != nil {
		return nil, fmt.Errorf("-pages: %s:\n%w", c.pagesFile, err)
	}
	return p, nil
}

// read reads an object.
func (p *pages) read(data []byte, dir string) error {
	d, err := newDocument(data, "", dir)
	if err != nil {
		return err
	}
	private := p.Logos.AllowPrivate
	p.IdentifierTypes, p.Links = member[[]ui.IdentifierType](d, "identifier_types"), member[ui.Links](d, "links")
	p.FrameAncestors, p.Logos = d.texts("frame_ancestors"), member[ui.Logos](d, "logos")
	p.Logos.AllowPrivate = private
	p.readReferenceKeys(d)
	return d.finish()
}

// settled returns the configuration with what the file says, where no flag says otherwise.
func (p *pages) settled(given *config) (*config, error) {
	c := new(config)
	*c = *given
	var errs []error
	if p.CaptchaOn != "" && !c.given["captcha-on"] {
		c.captchaOn = p.CaptchaOn
	}
	if p.CaptchaOn != "" && c.captcha == "" {
		errs = append(errs, errors.New("-pages: captcha.enable: goes with -captcha"))
	}
	if p.LoginLifetime > 0 && !c.given["login-lifetime"] {
		c.loginLifetime = p.LoginLifetime
	}
	if len(p.Wallets) > 0 && !c.wallet {
		errs = append(errs, errors.New("-pages: wallet.config: goes with -wallet"))
	}
	if p.LinkTransactionLifetime > 0 && !c.given["link-transaction-lifetime"] {
		c.linkTransactionLifetime = p.LinkTransactionLifetime
	}
	if most := c.linkCodeLifetime / 2; c.wallet && p.QRBuffer > most {
		errs = append(errs, fmt.Errorf("-pages: wallet.qr-code-buffer-in-secs: %v is more than half of -link-code-lifetime, %v", p.QRBuffer, most))
	}
	c.wallets, c.qrBuffer, c.qrRefreshes = p.Wallets, p.QRBuffer, p.QRRefreshes
	return c, errors.Join(errs...)
}

// biometrics completes what the identity system says of devices.
func (p *pages) biometrics(of ui.Biometrics) ui.Biometrics {
	b := p.Biometrics
	of.Environment, of.Timeout, of.Score = cmp.Or(of.Environment, b.Environment), cmp.Or(of.Timeout, b.Timeout), cmp.Or(of.Score, b.Score)
	if of.FirstPort == 0 && of.LastPort == 0 {
		of.FirstPort, of.LastPort = b.FirstPort, b.LastPort
	}
	of.Fingers, of.Irises = cmp.Or(of.Fingers, b.Fingers), cmp.Or(of.Irises, b.Irises)
	if of.FingerSubTypes == nil {
		of.FingerSubTypes = b.FingerSubTypes
	}
	if of.IrisSubTypes == nil {
		of.IrisSubTypes = b.IrisSubTypes
	}
	return of
}

// theme completes the theme.
func (p *pages) theme(of ui.Theme) ui.Theme {
	if of.Names == nil && p.Name != "" {
		of.Names = map[string]string{"": p.Name}
	}
	of.Light.Accent = cmp.Or(of.Light.Accent, p.Accent)
	return of
}

func (p *pages) log(logger *slog.Logger) {
	for _, n := range p.Notes {
		logger.Warn("a key of -pages changes nothing", "key", n.key, "instead", n.instead)
	}
}

// documents is the directory of -documents, or nil.
func (c *config) documents() fs.FS {
	if c.documentsDir == "" {
		return nil
	}
	return os.DirFS(c.documentsDir)
}

// catalog is the directory of -texts, or nil.
func (c *config) catalog() fs.FS {
	if c.texts == "" {
		return nil
	}
	return os.DirFS(c.texts)
}
