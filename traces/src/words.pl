# Word frequencies of a text, the most frequent first: hashes, splitting and a sort.
my %count;
while (my $line = <STDIN>) {
    $count{$_}++ for split ' ', $line;
}
for my $word (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count) {
    print $count{$word}, " $word\n";
}
