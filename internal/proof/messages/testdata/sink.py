"""A mail server that keeps what it gets: sink.py PORT FOLDER MODE CERT KEY USER PASSWORD.

MODE is starttls, tls, none, or plain: it asks for a password without encryption.
Mail for nobody@ is refused for good, for later@ for now, and at cut@ it hangs up."""
import asyncio, json, os, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

port, folder, mode, cert, key, user, password = sys.argv[1:8]


class Keep:
    taken = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 there is no such user"
        if address.startswith("later@"):
            return "451 4.2.1 the box is full, try again"
        if address.startswith("cut@"):
            server.transport.abort()  # it hangs up, each time
            return "421 4.3.2 gone"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        Keep.taken += 1
        name = os.path.join(folder, "%06d.json" % Keep.taken)
        with open(name + ".part", "w") as f:
            json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos, "content": envelope.content.decode("utf-8", "replace"),
                       "user": session.auth_data.login.decode() if session.auth_data else "",
                       "encrypted": mode == "tls" or session.ssl is not None}, f)
        os.rename(name + ".part", name)
        return "250 OK"


def sign_in(server, session, envelope, mechanism, data):
    if data.login.decode() == user and data.password.decode() == password:
        return AuthResult(success=True, auth_data=data)
    # A server that repeats what it was told is not unheard of.
    return AuthResult(success=False, handled=False, message="535 5.7.8 wrong password %s" % data.password.decode())


def session():
    if mode == "none":
        return SMTP(Keep(), hostname="localhost")
    if mode == "plain":
        return SMTP(Keep(), hostname="localhost", authenticator=sign_in, auth_required=True, auth_require_tls=False)
    return SMTP(Keep(), hostname="localhost", tls_context=context if mode == "starttls" else None, require_starttls=mode == "starttls",
                authenticator=sign_in, auth_required=True, auth_require_tls=mode == "starttls")


context = None
if mode in ("starttls", "tls"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", int(port), ssl=context if mode == "tls" else None)
    loop.add_reader(sys.stdin, lambda: os._exit(0))  # whoever started it is gone
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(serve())
