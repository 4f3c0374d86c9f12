package openldap

import "text/template"

// configuration is what slapd reads as cn=config. The change log's database must
// come before the overlay that writes into it.
var configuration = template.Must(template.New("config").Parse(`dn: cn=config
objectClass: olcGlobal
cn: config
olcThreads: 16
olcLogLevel: none
olcSizeLimit: unlimited
olcTLSCertificateFile: {{.Dir}}/tls/cert.pem
olcTLSCertificateKeyFile: {{.Dir}}/tls/key.pem

dn: cn=module{0},cn=config
objectClass: olcModuleList
cn: module{0}
olcModulePath: {{.Modules}}
olcModuleLoad: back_mdb
{{- if .Has "memberof"}}
olcModuleLoad: memberof{{end}}
{{- if .Has "refint"}}
olcModuleLoad: refint{{end}}
{{- if .Has "syncprov"}}
olcModuleLoad: syncprov{{end}}
{{- if .AccessLog}}
olcModuleLoad: accesslog{{end}}

dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file://{{.Schema}}/core.ldif
include: file://{{.Schema}}/cosine.ldif
include: file://{{.Schema}}/nis.ldif
include: file://{{.Schema}}/inetorgperson.ldif

dn: olcDatabase={-1}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {-1}frontend
olcSizeLimit: unlimited

dn: olcDatabase={0}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {0}config
olcRootDN: cn=admin,cn=config
olcRootPW: {{.Password}}
{{- if .AccessLog}}

dn: olcDatabase={1}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {1}mdb
olcSuffix: cn=accesslog
olcRootDN: cn=admin,{{.Suffix}}
olcDbDirectory: {{.Dir}}/log
olcDbMaxSize: {{.MaxBytes}}
olcDbNoSync: {{if .NoSync}}TRUE{{else}}FALSE{{end}}
olcDbIndex: objectClass,reqStart,reqDN eq
olcAccess: to * by * none{{end}}

dn: olcDatabase={ {{- .Database -}} }mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: { {{- .Database -}} }mdb
olcSuffix: {{.Suffix}}
olcRootDN: cn=admin,{{.Suffix}}
olcRootPW: {{.Password}}
olcDbDirectory: {{.Dir}}/data
olcDbMaxSize: {{.MaxBytes}}
olcDbNoSync: {{if .NoSync}}TRUE{{else}}FALSE{{end}}
olcDbIndex: objectClass eq
olcDbIndex: uid,cn,mail,employeeNumber eq
olcDbIndex: member,memberOf,manager,owner eq
olcDbIndex: entryUUID,entryCSN eq
olcLimits: * size.soft=unlimited size.hard=unlimited size.prtotal=unlimited
olcAccess: to attrs=userPassword by self write by anonymous auth by * none
olcAccess: to * by * read
{{- if .AccessLog}}

dn: olcOverlay=accesslog,olcDatabase={ {{- .Database -}} }mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcAccessLogConfig
olcOverlay: accesslog
olcAccessLogDB: cn=accesslog
olcAccessLogOps: writes
olcAccessLogSuccess: TRUE{{end}}
{{- if .Has "memberof"}}

dn: olcOverlay=memberof,olcDatabase={ {{- .Database -}} }mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcMemberOf
olcOverlay: memberof
olcMemberOfGroupOC: groupOfNames
olcMemberOfMemberAD: member
olcMemberOfMemberOfAD: memberOf
olcMemberOfRefInt: TRUE{{end}}
{{- if .Has "refint"}}

dn: olcOverlay=refint,olcDatabase={ {{- .Database -}} }mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcRefintConfig
olcOverlay: refint
olcRefintAttribute: member
olcRefintAttribute: manager
olcRefintAttribute: owner
olcRefintNothing: cn=admin,{{.Suffix}}{{end}}
{{- if .Has "syncprov"}}

dn: olcOverlay=syncprov,olcDatabase={ {{- .Database -}} }mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: syncprov
olcSpCheckpoint: 1000 1
olcSpSessionlog: 10000{{end}}
`))

// entries are what the directory holds when it is new.
var entries = template.Must(template.New("entries").Parse(`dn: {{.Suffix}}
objectClass: dcObject
objectClass: organization
o: Example
dc: {{.DC}}

dn: ou=people,{{.Suffix}}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{{.Suffix}}
objectClass: organizationalUnit
ou: groups
`))
