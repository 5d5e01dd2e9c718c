/** Servers in containers, and clients on the host. */
import { strict as assert } from "node:assert";
import { expectResult, type Fixture } from "../cli/setup.ts";

/** A pattern for IPv4 addresses. */
export const ADDRESS = "\\d+\\.\\d+\\.\\d+\\.\\d+";

/** Returns a command that sends `hello NAME` to each client on port 80. */
export const greeter = (name: string): string[] => ["nc", "-ll", "-p", "80", "-e", "echo", "hello", name];

/** Runs a container that sends `hello NAME` to each client on port 80; returns its address once it listens. */
export async function serve(fixture: Fixture, name: string, flags: readonly string[]): Promise<string> {
  const result = await fixture.tsd("run", "-d", "--name", name, ...flags, fixture.image, ...greeter(name));
  expectResult(result, { stdout: /^[0-9a-f]{64}\n$/ });
  const address = await addressOf(fixture, name);
  await listens(fixture, address);
  return address;
}

export async function addressOf(fixture: Fixture, name: string): Promise<string> {
  const { stdout } = await fixture.tsd("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name);
  assert.match(stdout, new RegExp(`^${ADDRESS}\n$`));
  return stdout.trim();
}

/** Waits until a server answers there. */
export async function listens(fixture: Fixture, hostname: string, port = 80): Promise<void> {
  await fixture.until(`an answer of ${hostname}:${port}`, async () => {
    return await answer(hostname, port).then((text) => text !== "", () => false);
  });
}

/** Returns what a server sends to the host; retries while it is between two connections. */
export async function answer(hostname: string, port: number): Promise<string> {
  for (let attempt = 1;; attempt++) {
    try {
      using connection = await Deno.connect({ hostname, port });
      const said = await new Response(connection.readable).text();
      if (said !== "" || attempt === 5) return said;
    } catch (error) {
      const isBetween = error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.ConnectionReset;
      if (!isBetween || attempt === 5) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Returns ports that are currently free. */
export function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "0.0.0.0", port: 0 }));
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** Checks that no server listens. */
export async function refused(hostname: string, port: number): Promise<void> {
  await assert.rejects(Deno.connect({ hostname, port }), Deno.errors.ConnectionRefused);
}
