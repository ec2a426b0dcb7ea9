// Unicode's full case folding, statuses C and F of CaseFolding.txt of Unicode 14.0.0, packed.

// Runs of code points that fold to one other: how far the first lies behind the last run's, how many, 1 or 2 apart, and
// the distance to what they fold to; the numbers in base 36.
const RUNS = `
1t,q,1,w 38,1,1,lj b,n,1,w o,7,1,w 14,o,2,1 1e,3,2,1 7,8,2,1 h,n,2,1 1a,1,1,-3d 1,3,2,1 6,1,1,-7g 2,1,1,5u
1,2,2,1 4,1,1,5q 1,1,1,1 2,2,1,5p 2,1,1,1 3,1,1,27 1,1,1,5m 1,1,1,5n 1,1,1,1 2,1,1,5p 1,1,1,5r 2,1,1,5v 1,1,1,5t
1,1,1,1 4,1,1,5v 1,1,1,5x 2,1,1,5y 1,3,2,1 6,1,1,62 1,1,1,1 2,1,1,62 3,1,1,1 2,1,1,62 1,1,1,1 2,2,1,61 2,2,2,1
4,1,1,63 1,1,1,1 4,1,1,1 8,1,1,2 1,1,1,1 2,1,1,2 1,1,1,1 2,1,1,2 1,9,2,1 j,9,2,1 j,1,1,2 1,2,2,1 4,1,1,-2p
1,1,1,-1k 1,k,2,1 14,1,1,-3m 2,9,2,1 o,1,1,8bv 1,1,1,1 2,1,1,-4j 1,1,1,8bs 3,1,1,1 2,1,1,-5f 1,1,1,1x 1,1,1,1z
1,5,2,1 73,1,1,38 17,2,2,1 6,1,1,1 9,1,1,38 7,1,1,12 2,3,1,11 4,1,1,1s 2,2,1,1r 3,h,1,w i,9,1,w v,1,1,1 d,1,1,8
1,1,1,-u 1,1,1,-p 4,1,1,-f 1,1,1,-m 2,c,2,1 o,1,1,-1i 1,1,1,-1c 3,1,1,-1o 1,1,1,-1s 2,1,1,1 2,1,1,-7 1,1,1,1
3,3,1,-3m 3,g,1,28 g,w,1,w 28,h,2,1 16,r,2,1 1i,1,1,f 1,7,2,1 f,1c,2,1 2p,12,1,1c 29b,12,1,5ls 13,1,1,5ls
6,1,1,5ls mj,6,1,-8 1oo,1,1,-4su 1,1,1,-4st 1,1,1,-4sk 1,2,1,-4si 2,1,1,-4sj 1,1,1,-4sc 1,1,1,-4ro 1,1,1,r7n
8,17,1,-2bk 19,3,1,-2bk 8z,23,2,1 4b,1,1,-1m 5,1c,2,1 2w,8,1,-8 g,6,1,-8 g,8,1,-8 g,8,1,-8 g,6,1,-8 h,4,2,-8
f,8,1,-8 28,2,1,-8 2,2,1,-22 4,1,1,-5j9 a,4,1,-2e g,2,1,-8 2,2,1,-2s e,2,1,-8 2,2,1,-34 2,1,1,-7 c,2,1,-3k
2,2,1,-3i 8c,1,1,-5st 4,1,1,-6gv 1,1,1,-6di 7,1,1,s 1a,g,1,g z,1,1,1 mr,q,1,q 1fu,1c,1,1c 2o,1,1,1 2,1,1,-8af
1,1,1,-2xy 1,1,1,-89z 3,3,2,1 6,1,1,-8bg 1,1,1,-8al 1,1,1,-8bj 1,1,1,-8bi 2,1,1,1 3,1,1,1 9,2,1,-8cf 2,1e,2,1
2z,2,2,1 7,1,1,1 nym,n,2,1 1s,e,2,1 4i,7,2,1 g,v,2,1 1z,2,2,1 4,1,1,-r9g 1,5,2,1 d,1,1,1 2,1,1,-wmg 3,2,2,1
6,a,2,1 k,1,1,-wn8 1,1,1,-wnj 1,1,1,-wnf 1,1,1,-wn5 1,1,1,-wn8 2,1,1,-wlu 1,1,1,-wmi 1,1,1,-wlx 1,1,1,ps 1,8,2,1
g,1,1,-1c 1,1,1,-wn7 1,1,1,-raw 1,2,2,1 9,1,1,1 6,2,2,1 v,1,1,1 or,28,1,-tzk gj5,q,1,w yn,14,1,14 4w,10,1,14
5c,b,1,13 c,f,1,13 g,7,1,13 8,2,1,13 1d8,1f,1,1s 2e8,w,1,w gww,w,1,w o8w,y,1,y
`;

// Code points that fold to several, in hex.
const SEVERAL = `
df:73+73 130:69+307 149:2bc+6e 1f0:6a+30c 390:3b9+308+301 3b0:3c5+308+301 587:565+582 1e96:68+331 1e97:74+308
1e98:77+30a 1e99:79+30a 1e9a:61+2be 1e9e:73+73 1f50:3c5+313 1f52:3c5+313+300 1f54:3c5+313+301 1f56:3c5+313+342
1f80:1f00+3b9 1f81:1f01+3b9 1f82:1f02+3b9 1f83:1f03+3b9 1f84:1f04+3b9 1f85:1f05+3b9 1f86:1f06+3b9 1f87:1f07+3b9
1f88:1f00+3b9 1f89:1f01+3b9 1f8a:1f02+3b9 1f8b:1f03+3b9 1f8c:1f04+3b9 1f8d:1f05+3b9 1f8e:1f06+3b9 1f8f:1f07+3b9
1f90:1f20+3b9 1f91:1f21+3b9 1f92:1f22+3b9 1f93:1f23+3b9 1f94:1f24+3b9 1f95:1f25+3b9 1f96:1f26+3b9 1f97:1f27+3b9
1f98:1f20+3b9 1f99:1f21+3b9 1f9a:1f22+3b9 1f9b:1f23+3b9 1f9c:1f24+3b9 1f9d:1f25+3b9 1f9e:1f26+3b9 1f9f:1f27+3b9
1fa0:1f60+3b9 1fa1:1f61+3b9 1fa2:1f62+3b9 1fa3:1f63+3b9 1fa4:1f64+3b9 1fa5:1f65+3b9 1fa6:1f66+3b9 1fa7:1f67+3b9
1fa8:1f60+3b9 1fa9:1f61+3b9 1faa:1f62+3b9 1fab:1f63+3b9 1fac:1f64+3b9 1fad:1f65+3b9 1fae:1f66+3b9 1faf:1f67+3b9
1fb2:1f70+3b9 1fb3:3b1+3b9 1fb4:3ac+3b9 1fb6:3b1+342 1fb7:3b1+342+3b9 1fbc:3b1+3b9 1fc2:1f74+3b9 1fc3:3b7+3b9
1fc4:3ae+3b9 1fc6:3b7+342 1fc7:3b7+342+3b9 1fcc:3b7+3b9 1fd2:3b9+308+300 1fd3:3b9+308+301 1fd6:3b9+342
1fd7:3b9+308+342 1fe2:3c5+308+300 1fe3:3c5+308+301 1fe4:3c1+313 1fe6:3c5+342 1fe7:3c5+308+342 1ff2:1f7c+3b9
1ff3:3c9+3b9 1ff4:3ce+3b9 1ff6:3c9+342 1ff7:3c9+342+3b9 1ffc:3c9+3b9 fb00:66+66 fb01:66+69 fb02:66+6c
fb03:66+66+69 fb04:66+66+6c fb05:73+74 fb06:73+74 fb13:574+576 fb14:574+565 fb15:574+56b fb16:57e+576
fb17:574+56d
`;

/** What a sign folds to; signs that fold to themselves are not in it. */
export const FOLDED = new Map();

(function unpack() {
  let start = 0;
  for (const run of RUNS.trim().split(/\s+/)) {
    const [ahead, count, step, distance] = run.split(",").map((number) => parseInt(number, 36));
    start += ahead;
    for (let i = 0, code = start; i < count; i++, code += step) {
      FOLDED.set(String.fromCodePoint(code), String.fromCodePoint(code + distance));
    }
  }
  for (const pair of SEVERAL.trim().split(/\s+/)) {
    const [code, to] = pair.split(":");
    const folded = to.split("+").map((number) => parseInt(number, 16));
    FOLDED.set(String.fromCodePoint(parseInt(code, 16)), String.fromCodePoint(...folded));
  }
})();
