/**
 * The command line: {@code nephele-client HOST COMMAND}. {@link org.nephele.client.Main} takes HOST
 * off, builds the one command that was asked for, and maps errors to exit codes; the commands are
 * in {@link org.nephele.client.command}, one class each.
 *
 * <p>Data goes to stdout and nothing else does; progress, questions and errors go to stderr. What
 * comes from a node is hostile until it went through {@link org.nephele.client.Text}.
 */
package org.nephele.client;
