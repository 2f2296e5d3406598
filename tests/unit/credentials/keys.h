#ifndef UNIT_CREDENTIALS_KEYS_H
#define UNIT_CREDENTIALS_KEYS_H
/*
 * Keys that nobody uses, made for these tests by ssh-keygen and openssl.
 */
#include "base/buf.h"
#include "base/text.h"
#include "credentials/ssh_key.h"
#include "credentials/ssh_wire.h"

static const char key_ed[] =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
    "QyNTUxOQAAACAd4+SN0ntmP5f7LZ+RSqMnt/rRdfiacE9HFTXlq3xfRQAAAIghFI7uIRSO\n"
    "7gAAAAtzc2gtZWQyNTUxOQAAACAd4+SN0ntmP5f7LZ+RSqMnt/rRdfiacE9HFTXlq3xfRQ\n"
    "AAAEC32lrHsapT4xZIV51pnu+I3oSDcYmzfRn0eH1CfMOpKB3j5I3Se2Y/l/stn5FKoye3\n"
    "+tF1+JpwT0cVNeWrfF9FAAAAAWEBAgME\n"
    "-----END OPENSSH PRIVATE KEY-----\n";

static const char key_ec[] =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAiAAAABNlY2RzYS\n"
    "1zaGEyLW5pc3RwMzg0AAAACG5pc3RwMzg0AAAAYQQ3xlgVa+NdVmx3SgJbcbVWNo8ncbBZ\n"
    "FC5Xj/V3bHxkLMQnEVqWJDx4Jb2MSe5envNElEsQPEub6MeisZr/3BwOliowJQ8pTondEn\n"
    "YAjNrxr1fPr03Es5adAu9QdqskIcAAAADQtkHry7ZB68sAAAATZWNkc2Etc2hhMi1uaXN0\n"
    "cDM4NAAAAAhuaXN0cDM4NAAAAGEEN8ZYFWvjXVZsd0oCW3G1VjaPJ3GwWRQuV4/1d2x8ZC\n"
    "zEJxFaliQ8eCW9jEnuXp7zRJRLEDxLm+jHorGa/9wcDpYqMCUPKU6J3RJ2AIza8a9Xz69N\n"
    "xLOWnQLvUHarJCHAAAAAMGDrb22iZt4X3mzkulZV+Sg7lpTRAekvN/n55sM/iu04HgDjZZ\n"
    "NTfgVpCW30ogm8cgAAAAFiAQIDBAUGBw==\n"
    "-----END OPENSSH PRIVATE KEY-----\n";

static const char key_rsa[] =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAABFwAAAAdzc2gtcn\n"
    "NhAAAAAwEAAQAAAQEAzITStdx+p5OomLCt8kHLfsF4VZT6M08OeZOi/3rb//IFeCRWUdLN\n"
    "GqzYQ8qrvqxmHXW16V/YQDo+NKN1h5Jp0GHC2e90p3myzAg4ony1leQxjdfkMK/b6ycjdp\n"
    "jCSvLJy7DYElHGreFM9WYZHcsSY8wbBeLBPOBRiMXnoRElZM81V7CW0q1Uf9+339zOaXOe\n"
    "DjiU11+wL8i0i92WAHLJEvMcbnG6fRclS6cyKuNZG2lYWqSxNiocSIhEb6/MhDGSCDxaWP\n"
    "1ntg19RBFipVNhlVt12WpktyJ5XpELLNYycygIKJhYLpZorxtGZycTzrw9hHXJOvhy5D56\n"
    "HFyza9TuowAAA7jDtQCyw7UAsgAAAAdzc2gtcnNhAAABAQDMhNK13H6nk6iYsK3yQct+wX\n"
    "hVlPozTw55k6L/etv/8gV4JFZR0s0arNhDyqu+rGYddbXpX9hAOj40o3WHkmnQYcLZ73Sn\n"
    "ebLMCDiifLWV5DGN1+Qwr9vrJyN2mMJK8snLsNgSUcat4Uz1ZhkdyxJjzBsF4sE84FGIxe\n"
    "ehESVkzzVXsJbSrVR/37ff3M5pc54OOJTXX7AvyLSL3ZYAcskS8xxucbp9FyVLpzIq41kb\n"
    "aVhapLE2KhxIiERvr8yEMZIIPFpY/We2DX1EEWKlU2GVW3XZamS3InlekQss1jJzKAgomF\n"
    "gulmivG0ZnJxPOvD2Edck6+HLkPnocXLNr1O6jAAAAAwEAAQAAAQBHHRg3bEgN9OX20dhq\n"
    "GD6uAI/bEkY9eQvLcm6G7y14PatxLxFkuivfTqKUT/CQCFopfDiYwV7sVlQy8XN4hIyOjK\n"
    "+4H+8sHMDy+RjYRwzM5d/lNmB+HWgWyDEol81XSjyouwEmvZCb/W9JFQs+tNHcKahrz4Dp\n"
    "rgYrzMTR2Khr+JE8D1m3KofLDR5+2aYc0SN4Cdqv3KxYyIHlUw+h2AOhub5emZbVhwL6TK\n"
    "LnyVFmgSEXOb8S934T2/4U+H/oFZqv9Id243KaH/w3dbCYoX04j0kk3YT/Jh/YhUEBhpgX\n"
    "qhQmvIj/0szSJDlh9ji/TScAl3eHWEkQjmNhwctAqBhhAAAAgQCeoYZrsu2G5D+DAwfV1M\n"
    "4i5h19AB5YK7DlmVXRP7eoo3gJQ95vCEF46gjF1yg2t6j1Q7R590lgqVoPtk6WBt8QrqRt\n"
    "hgTZc9LJHXcnGc5+8BO6m/PqSJdY9WQlLgir+a6e1szkb5Tz4wh3RKlIaEEXEqpqkbpdOk\n"
    "5BJ6tj4vZKfwAAAIEA9rBxHw27N6npwJlOdOMqw1gby495tvZAIu0omirp33mHXjaA5z2a\n"
    "eIBNgRnNAJBv6p0ySuo87UY++RlHCy3v3dT3grQ2tt5UA+V3h5A+hbwa/rOBC0FJQ/Hk4q\n"
    "aJ4TiGYHuc2IdnSkMzOJb3Ft554ZV3o7Yykb8TrKJUNjWnY4cAAACBANQ87EWAr3B9HLpu\n"
    "xaevdE3eczZdsw8MF/lmwEB8bks5vKBsER42B5x3xhvI6uynWG2C6I4lkTukqVhysJkRWl\n"
    "e0YO8P02QTDklt25ivl7yBWfhK0aW1iFXWqfv2PO5YOEhEf6h+7Hi7bmrw3D3xlgECMpXf\n"
    "L6dwIGDR6iVhGVsFAAAAAWMB\n"
    "-----END OPENSSH PRIVATE KEY-----\n";

static const char key_locked[] =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDs/E9NFq\n"
    "XVB+vU3L8fuHgHAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIIMYCb0I8j1Pd15n\n"
    "HuCVKn/bQRUVpqEf2c5rc0HA0nt1AAAAkMSUXQXMAvxQhpFL7zhNEAe0/+QWYNjEsp0LNP\n"
    "HuBYMnoi22m91i/VtCF7ruM8pb3z9SQApy3IxhATwQ8L7KS31Y2BcZtuM3VQSXJFpIiNmE\n"
    "BLzL8lzD9oe1cjK7fWAIvrVTG5F35x4wbB/+3OW5HXCT1DnfYsmxKmaX+8bhZ/36F7pgAl\n"
    "B+brJcgJUyscKpWQ==\n"
    "-----END OPENSSH PRIVATE KEY-----\n";

static const char key_small[] =
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAlwAAAAdzc2gtcn\n"
    "NhAAAAAwEAAQAAAIEA5Ddmov/AMclnBUfcHL4i+0fD5huJv6vrk5JWuN88O3XsRoxVIEFT\n"
    "Y+6sIG68d+/+06L1ASFSu+bmd5UXeQB+r8QjM+ldrtzr2KlEtaMyZHRalPoyKBrFW9mLG4\n"
    "UoMIDIDuMNvIRTK4iSB2xpnhbs0E3Ch+C/r6dQpxn7QRaBUyEAAAIAe17cLHte3CwAAAAH\n"
    "c3NoLXJzYQAAAIEA5Ddmov/AMclnBUfcHL4i+0fD5huJv6vrk5JWuN88O3XsRoxVIEFTY+\n"
    "6sIG68d+/+06L1ASFSu+bmd5UXeQB+r8QjM+ldrtzr2KlEtaMyZHRalPoyKBrFW9mLG4Uo\n"
    "MIDIDuMNvIRTK4iSB2xpnhbs0E3Ch+C/r6dQpxn7QRaBUyEAAAADAQABAAAAgApE5+xrv7\n"
    "U9z9HwAtqUP7S47Pq8wH0MemRAkIBvIyG107T0+Zui9OKpSbuH4BkxhnD1gzrSygtEf5hf\n"
    "8Bd0yz59vXf4ztswP/umhAInSUwBdBb1nGxEJP41BpPJReam7dciDWwIAoUVFhrLn3HZsW\n"
    "LZ8aqeVC8ALsYw0z09VhEBAAAAQQCtQXRKVDPrZfEFQsdb4YmQ9WOMvPZEfoL1aTSqxj05\n"
    "VRWmfTXJPvf//sjFEvcoiFCGWyNL3U6UMPzPCeu3dAQMAAAAQQD3v7EqbP3CYnUOupinmi\n"
    "wVJB3HW4OvK5fBiVlmQj9PjTuW3kQ1nblRpQsfzGcvPO7Tgwf2MtbURmidM2dbmfQxAAAA\n"
    "QQDr0Sz0V7wISri4WDoJys33NQpz6X2RQNfMPcJ7HdqMxUfOAO7Z5xfLLe3TaGS6cGBG5h\n"
    "/RpzVUwJj6LrayMkHxAAAAB3Jvb3RAdm0BAgM=\n"
    "-----END OPENSSH PRIVATE KEY-----\n";

static const char key_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIEZoGBSDVdR+Jwpp7sv8IW3P1VaMrD1TZTYcbzXES99i\n"
    "-----END PRIVATE KEY-----\n";

static const char pub_ed[] =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB3j5I3Se2Y/l/stn5FKoye3+tF1"
    "+JpwT0cVNeWrfF9F a";

static const char pub_ec[] =
    "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAz"
    "ODQAAABhBDfGWBVr411WbHdKAltxtVY2jydxsFkULleP9XdsfGQsxCcRWpYkPHgl"
    "vYxJ7l6e80SUSxA8S5vox6Kxmv/cHA6WKjAlDylOid0SdgCM2vGvV8+vTcSzlp0C"
    "71B2qyQhwA== b";

static const char pub_rsa[] =
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDMhNK13H6nk6iYsK3yQct+wXhV"
    "lPozTw55k6L/etv/8gV4JFZR0s0arNhDyqu+rGYddbXpX9hAOj40o3WHkmnQYcLZ"
    "73SnebLMCDiifLWV5DGN1+Qwr9vrJyN2mMJK8snLsNgSUcat4Uz1ZhkdyxJjzBsF"
    "4sE84FGIxeehESVkzzVXsJbSrVR/37ff3M5pc54OOJTXX7AvyLSL3ZYAcskS8xxu"
    "cbp9FyVLpzIq41kbaVhapLE2KhxIiERvr8yEMZIIPFpY/We2DX1EEWKlU2GVW3XZ"
    "amS3InlekQss1jJzKAgomFgulmivG0ZnJxPOvD2Edck6+HLkPnocXLNr1O6j c";

/* What a client signs to log in. */
static inline void
put_auth(struct buf *b, const char *session, const char *user, struct str blob)
{
	wire_put_str(b, str_of(session));
	wire_put_u8(b, 50);
	wire_put_str(b, str_of(user));
	wire_put_str(b, STR("ssh-connection"));
	wire_put_str(b, STR("publickey"));
	wire_put_u8(b, 1);
	wire_put_str(b, STR("ssh-ed25519"));
	wire_put_str(b, blob);
}

#endif
