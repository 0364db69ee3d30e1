// Command ashlar is the user's side of Ashlar: it shows, explains and tries out
// what the scheduler does.
package main
