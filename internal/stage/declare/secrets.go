package declare

import (
	"provisor.dev/provisor/internal/domain/schema"
	"provisor.dev/provisor/secret"
)

// A SecretUse is a setting that refers to a secret of the store.
type SecretUse struct {
	Name     string // of the secret
	Setting  string // connectors.crm.connections.db.settings.password
	Position schema.Position
}

// StoredSecrets returns where the configuration refers to secrets of the store,
// in the order of the settings.
func (c *Configuration) StoredSecrets() []SecretUse {
	var uses []SecretUse
	for connector, declared := range sorted(c.document.Connectors) {
		for connection, doc := range sorted(declared.Connections) {
			for setting, t := range sorted(doc.Settings) {
				if name, ok := secret.Reference(t.Value).Stored(); ok {
					uses = append(uses, SecretUse{
						Name: name, Setting: "connectors." + connector + ".connections." + connection + ".settings." + setting, Position: t.Position,
					})
				}
			}
		}
	}
	for id, doc := range sorted(c.document.SignIn) {
		if name, ok := secret.Reference(doc.ClientSecret.Value).Stored(); ok {
			uses = append(uses, SecretUse{Name: name, Setting: "signIn." + id + ".clientSecret", Position: doc.ClientSecret.Position})
		}
	}
	m := c.document.Messages
	if name, ok := secret.Reference(m.Mail.Password.Value).Stored(); ok {
		uses = append(uses, SecretUse{Name: name, Setting: "messages.mail.password", Position: m.Mail.Password.Position})
	}
	for id, doc := range sorted(m.Webhooks) {
		if name, ok := secret.Reference(doc.Secret.Value).Stored(); ok {
			uses = append(uses, SecretUse{Name: name, Setting: "messages.webhooks." + id + ".secret", Position: doc.Secret.Position})
		}
	}
	return uses
}
