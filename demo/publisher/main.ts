// Runs the publisher as a program. The environment variable PORT is its port.
import { startPublisher } from './server.ts';

await startPublisher({ port: Number(process.env['PORT']) });
