// Four patterns the usual way on Node: express for HTTP, ws for WebSocket. Each event is encoded once
// and written once to each subscriber.
import { createServer } from 'node:http';
import express from 'express';
import { WebSocket, WebSocketServer } from 'ws';

const [port, hold] = process.argv.slice(2).map(Number);
const KEPT = 1000;

/** The newest events; `head` is the number of the last. */
let log = [];
let head = 0;
/** Responses that stay open, and those that wait for the next event. */
const streams = new Set();
let held = new Set();

const app = express();
// An ETag would hash every answer, and no subscriber uses either header.
app.disable('etag');
app.disable('x-powered-by');
const server = createServer(app);
// Subscribers keep their connections; express would close them after five idle seconds.
server.keepAliveTimeout = 0;
const sockets = new WebSocketServer({ server, path: '/websocket', perMessageDeflate: false });

const json = (events) => Buffer.from(JSON.stringify({ cursor: head, events }));
const answer = (response, body) => response.type('json').end(body);
/** The events after a cursor; without a number as cursor, only the events from now on. */
const after = ({ query }) => {
  const place = Number(query.after ?? head);
  return place < head ? log.slice(Math.max(0, log.length - (head - place))) : [];
};

app.post('/publish', express.text({ type: '*/*', limit: '1mb' }), (request, response) => {
  const text = request.body;
  head += 1;
  log.push(text);
  if (log.length >= 2 * KEPT) log = log.slice(-KEPT);

  const frame = Buffer.from(`id: ${head}\ndata: ${text.replaceAll('\n', '\ndata: ')}\n\n`);
  for (const stream of streams) stream.write(frame);

  const message = Buffer.from(text);
  for (const socket of sockets.clients) {
    if (socket.readyState === WebSocket.OPEN) socket.send(message, { binary: false });
  }

  const waiting = held;
  held = new Set();
  const body = json([text]);
  for (const { response, timer } of waiting) {
    clearTimeout(timer);
    answer(response, body);
  }
  response.status(204).end();
});

app.get('/sse', (request, response) => {
  response.set({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).flushHeaders();
  streams.add(response);
  response.on('close', () => streams.delete(response));
});

app.get('/long-polling', (request, response) => {
  const events = after(request);
  if (events.length > 0 || request.query.after === undefined) return answer(response, json(events));
  const waiter = { response, timer: setTimeout(() => response.status(204).end(), hold) };
  held.add(waiter);
  response.on('close', () => {
    clearTimeout(waiter.timer);
    held.delete(waiter);
  });
});

app.get('/short-polling', (request, response) => {
  const events = after(request);
  if (events.length === 0 && request.query.after !== undefined) return response.status(204).end();
  answer(response, json(events));
});

// Ends with the process that started it.
process.stdin.on('end', () => process.exit()).resume();
server.listen({ port, host: '127.0.0.1', backlog: 4096 }, () => console.log('ready'));
