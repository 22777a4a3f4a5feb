// Runs the publisher as a program: PORT.
import { startPublisher } from './server.ts';

await startPublisher({ port: Number(process.env['PORT']) });
