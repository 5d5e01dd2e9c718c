/** Creates an untrusted certificate, for registries with HTTPS on loopback. Needs openssl. */
import { removeTree } from "../images/test_cache.ts";

export interface Certificate {
  /** PEM; clients use it as the certificate authority. */
  readonly cert: string;
  readonly key: string;
}

/** Creates a self-signed certificate for 127.0.0.1, 127.0.0.2, localhost and another name; valid for a day. */
export async function selfSignedCertificate(name = "localhost"): Promise<Certificate> {
  const dir = await Deno.makeTempDir({ prefix: "tsd-cert-" });
  try {
    const done = await new Deno.Command("openssl", {
      args: [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
        ...["-subj", "/CN=localhost"],
        ...["-addext", `subjectAltName=DNS:localhost,DNS:${name},IP:127.0.0.1,IP:127.0.0.2`],
        ...["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key.pem", "-out", "cert.pem"],
      ],
      cwd: dir,
    }).output();
    if (!done.success) throw new Error(`openssl: ${new TextDecoder().decode(done.stderr)}`);
    const [cert, key] = await Promise.all(
      ["cert.pem", "key.pem"].map((name) => Deno.readTextFile(`${dir}/${name}`)),
    );
    return { cert: cert!, key: key! };
  } finally {
    await removeTree(dir);
  }
}
