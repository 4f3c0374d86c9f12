package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"time"

	gomail "github.com/wneessen/go-mail"

	"provisor.dev/provisor/fault"
	"provisor.dev/provisor/internal/domain/messages"
	"provisor.dev/provisor/internal/stage"
	"provisor.dev/provisor/secret"
)

const (
	// mailSeconds is what the mail server gets for each word.
	mailSeconds = 30
	// reopenMost bounds how often one run reaches for a server that hangs up.
	reopenMost = 5
)

// mail sends what is due by mail, over one connection.
func (r *Runner) mail(ctx context.Context, s *messages.Settings, now time.Time, sum *Summary) error {
	if s.Mail == nil {
		return nil
	}
	list, err := r.Store.ClaimMessages(ctx, stage.ByMail, now, now.Add(leaseMinutes*time.Minute), claimedMost)
	if err != nil || len(list) == 0 {
		return err
	}
	m := mailer{settings: s, dir: r.Dir}
	down := m.open(ctx, r.Secret)
	defer func() { m.close() }()
	left := reopenMost
	for _, x := range list {
		o := outcome{err: down, down: true}
		switch {
		case ctx.Err() != nil:
			o = ending
		case down == nil:
			o = m.send(x)
			if !o.down {
				break
			}
			// If the server is still there, it is this message that it cannot bear:
			// those that follow must not wait behind it.
			m.close()
			if down, left = m.open(ctx, r.Secret), left-1; down == nil {
				o.down = false
			}
			if left == 0 {
				down = o.err
			}
		}
		if err := r.note(ctx, now, x, o, sum); err != nil {
			return err
		}
	}
	if down != nil {
		r.Log.Error("reach the mail server; messages wait", "error", shortWhy(down))
	}
	return nil
}

// Test sends a mail that says that mail arrives, at once and once.
func (r *Runner) Test(ctx context.Context, to string, now time.Time) error {
	s, err := r.Settings(ctx)
	if err != nil {
		return err
	}
	if s == nil || s.Mail == nil {
		return &fault.Error{Kind: fault.Refused, Op: "test mail", Msg: "the deployed configuration names no mail server", Do: "add messages with mail to it, and deploy it with `provisor apply`"}
	}
	if !writable(to) {
		return &fault.Error{Kind: fault.Invalid, Op: "test mail", Msg: "this is no mail address", Do: "write it as ada@example.org"}
	}
	w, err := messages.Letter{To: to, URL: s.URL + "/", At: now, Test: true}.Write(s.Templates)
	if err != nil {
		return fault.Wrap(fault.Invalid, "test mail", err)
	}
	if w.Subject == "" || w.Subject == "[Provisor] 0 matters" {
		w.Subject = "[Provisor] Test"
	}
	content, err := json.Marshal(w)
	if err != nil {
		return err
	}
	m := mailer{settings: s, dir: r.Dir}
	defer m.close()
	if err := m.open(ctx, r.Secret); err != nil {
		return &fault.Error{Kind: fault.Unavailable, Op: "test mail", Msg: shortWhy(err), Do: "check server, encryption, caFile, user and password under messages.mail"}
	}
	if o := m.send(stage.Message{ID: now.UnixNano(), Address: to, At: now, Content: content}); o.err != nil {
		return &fault.Error{Kind: fault.Refused, Op: "test mail", Msg: shortWhy(o.err), Do: "check the sender under messages.mail.from, and the address"}
	}
	return nil
}

// A mailer is a connection to the mail server.
type mailer struct {
	settings *messages.Settings
	dir      string
	password secret.Text
	client   *gomail.Client
}

// open connects and signs in.
func (m *mailer) open(ctx context.Context, resolve func(context.Context, secret.Reference) (secret.Text, error)) error {
	s := m.settings.Mail
	options := []gomail.Option{gomail.WithPort(s.Port), gomail.WithTimeout(mailSeconds * time.Second)}
	switch s.Encryption {
	case messages.TLS:
		options = append(options, gomail.WithSSL())
	case messages.Unencrypted:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	config := &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12}
	if s.Authority != "" {
		roots, err := authority(m.dir, s.Authority)
		if err != nil {
			return err
		}
		config.RootCAs = roots
	}
	options = append(options, gomail.WithTLSConfig(config))
	if s.User != "" {
		var err error
		if m.password, err = resolve(ctx, s.Password); err != nil {
			return err
		}
		options = append(options, gomail.WithUsername(s.User), gomail.WithPassword(m.password.Reveal()), gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover))
	}
	client, err := gomail.NewClient(s.Host, options...)
	if err == nil {
		err = client.DialWithContext(ctx)
	}
	if err != nil {
		return m.masked(err)
	}
	m.client = client
	return nil
}

// masked is an error in which what the server says cannot repeat the password.
func (m *mailer) masked(err error) error { return errors.New(secret.Mask(err.Error(), m.password)) }

func (m *mailer) close() {
	if m.client != nil {
		_ = m.client.Close() // what was taken is taken
		m.client = nil
	}
}

// authority reads the certificates that a server's own must come from.
func authority(dir, file string) (*x509.CertPool, error) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	content, err := os.ReadFile(file) // #nosec G304 -- the administrator names the file
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(content) {
		return nil, fault.New(fault.Invalid, "read authority", "there is no certificate in %s", file)
	}
	return roots, nil
}

// send hands one message to the server.
func (m *mailer) send(x stage.Message) outcome {
	msg, err := m.compose(x)
	if err != nil {
		return outcome{err: m.masked(err), final: true}
	}
	err = m.client.Send(msg)
	var refused *gomail.SendError
	switch {
	case err == nil:
		return outcome{}
	case !errors.As(err, &refused):
		return outcome{err: m.masked(err), down: true}
	case refused.Reason == gomail.ErrSMTPReset:
		return outcome{} // the server took it, and stumbled afterwards
	}
	code := refused.ErrorCode()
	return outcome{err: m.masked(err), down: code == 0 || code == 421, final: code >= 500}
}

// compose writes a message with its head.
func (m *mailer) compose(x stage.Message) (*gomail.Msg, error) {
	var w messages.Written
	if err := json.Unmarshal(x.Content, &w); err != nil {
		return nil, err
	}
	msg := gomail.NewMsg()
	if err := errors.Join(msg.From(m.settings.Mail.From), msg.To(x.Address)); err != nil {
		return nil, err
	}
	host := "provisor"
	if u, err := url.Parse(m.settings.URL); err == nil {
		host = u.Hostname()
	}
	msg.SetMessageIDWithValue(number(x) + "@" + host)
	msg.SetDateWithValue(x.At)
	msg.Subject(messages.Line(w.Subject))
	// Nobody is away from this: no answer of a machine is wanted.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetUserAgent("Provisor")
	msg.SetBodyString(gomail.TypeTextPlain, w.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, w.HTML)
	return msg, nil
}
