/**
 * nginx, redis and PostgreSQL from Debian's packages as images with a common base, which debootstrap makes. The base is
 * built once (minutes, needs the network), then kept in the test cache.
 */
import { debianMirror } from "./apt_mirror.ts";
import { type ContainerConfig, DEFAULT_PATH, type Image, ImageBuilder } from "./image_builder.ts";
import { tarFile } from "./layer.ts";
import { readOciLayout, writeOciLayout } from "./oci_layout.ts";
import { dir, file } from "./tar_entries.ts";
import { cached, removeTree } from "./test_cache.ts";

const RECIPE = 1; // Increment when the resulting base changes.
const PACKAGES = ["nginx-light", "redis-server", "postgresql", "curl"];

/** The foreground command, the user, and the data directory, which is a volume of the image. */
interface Server {
  readonly user: string;
  readonly data: string;
  readonly mode: number;
  readonly script: string;
  readonly config: ContainerConfig;
}

const SERVERS = {
  postgres: {
    user: "postgres",
    data: "/data/postgres",
    mode: 0o700,
    script: `
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
cd /data/postgres
if [ ! -e whole ]; then
  rm -rf db && initdb -D db -A trust --no-instructions >/dev/null
  echo 'host all all all trust' >>db/pg_hba.conf
  sync && echo >whole
fi
exec postgres -D db -c 'listen_addresses=*' -c unix_socket_directories=/tmp`,
    config: { StopSignal: "SIGINT" },
  },
  redis: {
    user: "redis",
    data: "/data/redis",
    mode: 0o750,
    script: `
exec redis-server --dir /data/redis --appendonly yes --appendfsync always --protected-mode no --bind '* -::*'`,
    config: {},
  },
  /** Proxies requests to BACKEND if that is set. */
  nginx: {
    user: "www-data",
    data: "/data/site",
    mode: 0o755,
    script: `
place="root /data/site;"
[ -z "\${BACKEND:-}" ] || place="proxy_pass http://$BACKEND:8080;"
cat >/tmp/nginx.conf <<END
daemon off; pid /tmp/nginx.pid; error_log stderr; worker_processes 1;
events {}
http { access_log off; client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f;
  uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s; server { listen 8080; location / { $place } } }
END
exec nginx -e stderr -c /tmp/nginx.conf`,
    config: { ExposedPorts: { "8080/tcp": {} } },
  },
} as const satisfies Readonly<Record<string, Server>>;

export type ServerName = keyof typeof SERVERS;

/** Builds the images (OCI types, the base's blob in a file of the cache). Needs root. */
export async function serverImages(suite = "bookworm"): Promise<Readonly<Record<ServerName, Image>>> {
  const directory = await cached(`servers-${suite}-${Deno.build.arch}-v${RECIPE}`, (making) => make(making, suite));
  const base = await readOciLayout(`${directory}/layout`);
  const accounts = await Deno.readTextFile(`${directory}/passwd`);
  const images = Object.entries<Server>(SERVERS).map(async ([name, server]) => {
    const { user, data, mode, script, config } = server;
    const image = await new ImageBuilder()
      .addLayer(base.layers[0]!)
      .layer([
        dir("data"),
        dir(data.slice(1), { mode, ...idsOf(user, accounts) }),
        file("usr/local/bin/serve", `#!/bin/sh -eu${script}\n`, { mode: 0o755 }),
      ])
      .config({ Env: [DEFAULT_PATH], Cmd: ["serve"], User: user, Volumes: { [data]: {} }, ...config })
      .build();
    return [name, image] as const;
  });
  return Object.fromEntries(await Promise.all(images)) as Record<ServerName, Image>;
}

function idsOf(user: string, accounts: string): { readonly uid: number; readonly gid: number } {
  const [, , uid, gid] = new RegExp(`^${user}:.*$`, "m").exec(accounts)![0].split(":").map(Number);
  return { uid: uid!, gid: gid! };
}

async function make(directory: string, suite: string): Promise<void> {
  const [root, tar] = [`${directory}/root`, `${directory}/base.tar`];
  const mirror = await debianMirror(suite);
  await run("debootstrap", ["--variant=minbase", `--include=${PACKAGES.join(",")}`, suite, root, mirror]);
  await removeTree(`${root}/var/cache/apt/archives`);
  await Deno.copyFile(`${root}/etc/passwd`, `${directory}/passwd`);
  await run("tar", ["--create", "--file", tar, "--directory", root, "--numeric-owner", "--one-file-system", "."]);
  const image = await new ImageBuilder({ dir: `${directory}/blobs` }).layerFrom({ tar: tarFile(tar) }).build();
  await writeOciLayout(`${directory}/layout`, image);
  for (const path of [root, tar, `${directory}/blobs`]) await removeTree(path);
}

async function run(command: string, args: string[]): Promise<void> {
  const { success, stderr, stdout } = await new Deno.Command(command, { args, env: { LC_ALL: "C" } }).output();
  if (success) return;
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  throw new Error(`${command} ${args.join(" ")}: ${said.slice(-2000)}`);
}
