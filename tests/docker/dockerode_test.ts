/** Volumes and networks through dockerode, Node's client library, as a program would use it. */
import { strict as assert } from "node:assert";
import Docker from "dockerode";
import { type Fixture, scenario } from "../cli/setup.ts";

const clientOf = (fixture: Fixture) => new Docker({ socketPath: fixture.engine.socketPath });
const refused = (statusCode: number, reason: RegExp) => (thrown: Error & { statusCode?: number }) =>
  thrown.statusCode === statusCode && reason.test(thrown.message);

interface Named {
  readonly Name: string;
}

scenario("dockerode", {
  "volumes: created, found, used, refused while in use, removed, pruned": async (fixture) => {
    const docker = clientOf(fixture);
    const volume = await docker.createVolume({ Name: "data", Labels: { job: "a" }, DriverOpts: {} });
    assert.equal(volume.name, "data");
    await docker.createVolume({ Name: "other" });
    const listed = await docker.listVolumes({ filters: { label: ["job=a"], dangling: ["true"] } });
    assert.deepEqual(listed.Volumes.map(({ Name }: Named) => Name), ["data"]);
    const { Driver, Scope, Labels, Mountpoint } = await volume.inspect();
    assert.deepEqual([Driver, Scope, Labels], ["local", "local", { job: "a" }]);
    const container = await docker.createContainer({
      Image: fixture.image,
      Cmd: ["sh", "-c", "echo text >/d/f; cat /d/f /r/f; touch /r/x"],
      HostConfig: {
        NetworkMode: "none",
        Binds: ["data:/d"],
        Mounts: [{ Type: "volume", Source: "data", Target: "/r", ReadOnly: true }],
      },
    });
    await container.start();
    assert.equal((await container.wait()).StatusCode, 1);
    const output = (await container.logs({ stdout: true })).toString();
    assert.ok(output.includes("text\n") && output.lastIndexOf("text\n") > output.indexOf("text\n"), output);
    const { Mounts } = await container.inspect();
    assert.deepEqual(
      Mounts.map(({ Name, Source, Destination, RW }: Record<string, unknown>) => [Name, Source, Destination, RW]),
      [["data", Mountpoint, "/d", true], ["data", Mountpoint, "/r", false]],
    );
    await assert.rejects(volume.remove(), refused(409, new RegExp(`volume is in use - \\[${container.id}\\]`)));
    await container.remove({ v: true });
    assert.equal(await Deno.readTextFile(`${Mountpoint}/f`), "text\n");
    await volume.remove();
    await assert.rejects(volume.inspect(), refused(404, /get data: no such volume/));
    const pruned = await docker.pruneVolumes({ filters: { all: ["true"] } });
    assert.deepEqual(pruned.VolumesDeleted, ["other"]);
  },
  "networks: created, connected to and disconnected from by a running container, removed": async (fixture) => {
    const docker = clientOf(fixture);
    const network = await docker.createNetwork({ Name: "app", CheckDuplicate: true, Labels: { job: "a" } });
    const found = await docker.listNetworks({ filters: { label: ["job=a"] } });
    assert.deepEqual(found.map(({ Name, Id }: Named & { Id: string }) => [Name, Id]), [["app", network.id]]);
    await assert.rejects(docker.createNetwork({ Name: "app" }), refused(409, /network with name app already exists/));
    const container = await docker.createContainer({ name: "box", Image: fixture.image, Cmd: ["sleep", "1000"] });
    await container.start();
    await network.connect({ Container: "box", EndpointConfig: { Aliases: ["db"] } });
    const { IPAddress, Aliases } = (await container.inspect()).NetworkSettings.Networks.app;
    assert.ok(Aliases.includes("db"), JSON.stringify(Aliases));
    const { Containers, IPAM: { Config: [{ Subnet, Gateway }] } } = await network.inspect();
    assert.deepEqual(Containers[container.id].Name, "box");
    assert.equal(Containers[container.id].IPv4Address, `${IPAddress}/${Subnet.split("/")[1]}`);
    const exec = await container.exec({ Cmd: ["ping", "-c", "1", Gateway], AttachStdout: true });
    const stream = await exec.start({});
    await new Promise((resolve) => stream.on("end", resolve).resume());
    assert.equal((await exec.inspect()).ExitCode, 0);
    await assert.rejects(network.remove(), refused(403, /has active endpoints/));
    await network.disconnect({ Container: "box" });
    assert.deepEqual(Object.keys((await container.inspect()).NetworkSettings.Networks), ["bridge"]);
    await container.remove({ force: true });
    await network.remove();
    await assert.rejects(network.inspect(), refused(404, /network .* not found/));
  },
});
