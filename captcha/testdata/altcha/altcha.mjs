// Does what the command says with ALTCHA's own library: reads JSON from standard input, writes JSON to standard output.
import { text } from 'node:stream/consumers';
import { createChallenge, solveChallenge, verifySolution } from 'altcha-lib/v1';

const commands = {
  create: ({ hmacKey, expires, maxNumber }) =>
    createChallenge({ hmacKey, expires: new Date(expires), maxNumber }),
  solve: async (c) => {
    const { number, took } = await solveChallenge(c.challenge, c.salt, c.algorithm, c.maxnumber).promise;
    const { algorithm, challenge, salt, signature } = c;
    return btoa(JSON.stringify({ algorithm, challenge, number, salt, signature, took }));
  },
  verify: ({ response, hmacKey }) => verifySolution(response, hmacKey),
};

const input = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(await commands[process.argv[2]](input)));
