import { strict as assert } from "node:assert";
import { LineLog, SILENT_LOG } from "../../log.ts";
import { SysError } from "../../sys/mod.ts";
import { ServiceNotifier } from "./service_notify.ts";

function notifier(socket: string | undefined) {
  const sent: string[] = [];
  const sendDatagram = (path: string, message: Uint8Array) => {
    sent.push(`${path}: ${new TextDecoder().decode(message)}`);
  };
  return { sent, notifier: new ServiceNotifier({ socket, peers: { sendDatagram }, log: SILENT_LOG, now: () => 77n }) };
}

Deno.test("service manager: what it is told", () => {
  const { sent, notifier: service } = notifier("/run/systemd/notify");
  service.ready("listening on\nx");
  service.reloading();
  service.stopping();
  assert.deepEqual(sent, [
    `/run/systemd/notify: READY=1\nSTATUS=listening on x\nMAINPID=${Deno.pid}`,
    "/run/systemd/notify: RELOADING=1\nMONOTONIC_USEC=77\nSTATUS=re-executing",
    "/run/systemd/notify: STOPPING=1\nSTATUS=stopping",
  ]);
});

Deno.test("service manager: where there is none, nobody is told; one that has gone does no harm", () => {
  for (const socket of [undefined, ""]) {
    const { sent, notifier: service } = notifier(socket);
    service.ready("x");
    assert.deepEqual(sent, []);
  }
  const lines: string[] = [];
  const removed = new ServiceNotifier({
    socket: "@gone",
    log: new LineLog((line) => lines.push(line)),
    peers: {
      sendDatagram: () => {
        throw SysError.named("sendto", "ECONNREFUSED", { subject: "@gone" });
      },
    },
  });
  removed.ready("x");
  assert.equal(lines.length, 1);
  assert.match(lines[0], /warn .*telling the service manager failed socket=@gone/);
});
