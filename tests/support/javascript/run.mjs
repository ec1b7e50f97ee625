// Plays the scenes that it is given on stdin with one client, and tells on stdout what came of each.

import { text } from "node:stream/consumers";
import { newClient } from "./clients.mjs";

async function play(client, scene, things) {
  if (scene.leaves) return client.begin(scene.prompt);
  const outcomes = [await client.ask(scene.prompt, scene.wish, things)];
  if (scene.results.length) outcomes.push(await client.goOn(scene.results, scene.wish));
  return outcomes;
}

async function told(scene, asked) {
  try {
    return { outcomes: (await play(newClient(asked), scene, asked)) ?? [] };
  } catch (error) {
    return { error: error.constructor.name, status: error.status ?? null, message: error.message };
  }
}

const asked = JSON.parse(await text(process.stdin));
const all = {};
for (const scene of asked.scenes) all[scene.name] = await told(scene, asked);
process.stdout.write(JSON.stringify(all));
process.exit(0); // what a client left open is left
