package company

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode/utf8"

	"provisor.dev/provisor/value"
)

// domain is where everybody's mail goes; the ending is reserved for examples.
const domain = "larkfield.example"

// namesakeAt marks the people of a hundred who share initial and surname with
// the one before: 26 with a first name of his own, 58 and 59 with the same.
var namesakeAt = [100]bool{26: true, 58: true, 59: true}

// namesakeFirst reports whether a namesake follows and none stands before.
func namesakeFirst(place int) bool {
	return !namesakeAt[place] && place+1 < len(namesakeAt) && namesakeAt[place+1]
}

const ownFirstName = 26 // the place of the namesake with a first name of his own

// A namer gives every person a combination of initial and surname of his own:
// each number stands for another one. When the plain surnames are used up,
// double ones follow.
type namer struct {
	initials [][]string // first names by their initial
	order    []int      // of the combinations, shuffled
}

func newNamer(seed int64) *namer {
	n := &namer{}
	at := map[string]int{}
	for _, first := range strings.Fields(firstNames) {
		letter := initial(first)
		if _, ok := at[letter]; !ok {
			at[letter] = len(n.initials)
			n.initials = append(n.initials, nil)
		}
		n.initials[at[letter]] = append(n.initials[at[letter]], first)
	}
	n.order = rand.New(rand.NewPCG(uint64(seed), 2)).Perm(len(n.initials) * len(surnames)) // #nosec G115 G404 -- the same seed makes the same names
	return n
}

// initial returns the first letter as a login spells it.
func initial(name string) string {
	_, size := utf8.DecodeRuneInString(name)
	return value.Fold(name[:size])
}

// pick returns the surname of the combination and the first names that go with it.
func (n *namer) pick(number int) (surname string, firsts []string) {
	round := number / len(n.order)
	at := n.order[number%len(n.order)]
	k := at % len(surnames)
	surname = surnames[k]
	if round > 0 {
		surname += "-" + surnames[(k+round)%len(surnames)]
	}
	return surname, n.initials[at/len(surnames)]
}

// name gives the names and the address.
func (s *stream) name(p *Person, follows bool, place int) {
	drawn := s.rng.IntN(1 << 20)
	if follows {
		p.FirstName, p.LastName = s.last.FirstName, s.last.LastName
		if place == ownFirstName {
			p.FirstName = another(s.firsts, p.FirstName, drawn)
		}
	} else {
		p.LastName, s.firsts = s.names.pick(s.stems)
		s.stems++
		p.FirstName = s.firsts[drawn%len(s.firsts)]
	}
	address := strings.ToLower(value.Fold(p.FirstName + "." + p.LastName))
	if follows && p.FirstName == s.last.FirstName {
		address += strconv.Itoa(s.trail + 1)
	}
	p.Email = address + "@" + domain
}

func another(names []string, than string, drawn int) string {
	for i := range names {
		if name := names[(drawn+i)%len(names)]; name != than {
			return name
		}
	}
	return than
}

// firstNames has at least two names for each initial. Every accent in it is one
// that Unicode takes apart into a plain letter and a mark.
const firstNames = `
Ana Åsa Adam Amélie Andrzej Aylin Bartosz Beatriz Björn Birgit Benoît Célia Carlos Clara Chloé Cem
Daniel Dörte Diana Dominik Dilek Élodie Emil Eva Eduardo Ewa Emre Filip Fátima Florian Françoise Finn
Gabriela Goran Greta Gérard Hanna Hélène Henrik Hugo Hedda Inês Igor Ingrid Isabel Ivana João Jakub Jürgen
Johanna Jana Julie Katarzyna Kjell Karin Kévin Lena Luís Laura Léa Lars Magda Márcio Martin Mélanie Marek
Miriam Nadia Noël Nils Natália Nora Olga Öykü Oskar Olivier Pedro Pernille Paul Petra Piotr Rafael Renée
Ruth Rui Rainer Sofia Sébastien Šárka Stefan Svetlana Tiago Thérèse Tomasz Tanja Torsten Ulrike Ugo Uwe
Valérie Vítor Vera Viktor Wanda Willem Wiebke Xavier Ximena Yves Yasmin Yannick Zofia Zoé Zdeněk`

// surnames are distinct when accents and case are left out.
var surnames = strings.Fields(`
Abreu Adler Aguiar Albrecht Almeida Amundsen Andrade Arnaud Aubert Aydin Bachmann Bąk Baranowska Barbosa Bauer
Becker Bélanger Berger Bernard Bialek Blanc Blum Bonnet Borges Bosch Böhm Brandt Braun Brun Büchner Caron Carvalho
Castro Çelik Chevalier Clément Coelho Cordeiro Correia Costa Czerny Dąbrowska Dahl Daniels David Delacroix Demir
Denis Dias Dietrich Domingues Dubois Dufour Dupont Durand Duarte Ebert Eide Eklund Engel Esteves Fabre Falk
Faria Faure Fernandes Ferreira Fiedler Fischer Fleury Fonseca Fontaine Forsberg Fournier Frank Freitas Friedrich
Gajewski Garnier Gauthier Geiger Girard Gomes Gonçalves Gorski Graf Granger Grimm Grünwald Guérin Gustafsson Haas
Hagen Hartmann Haugen Heinrich Henriques Hermann Hoffmann Holm Horváth Huber Hübner Iversen Jacquet Jäger Jankowska Jansen
Johansson Joly Jung Kaczmarek Kaiser Kamiński Karlsen Kaya Keller Klein Knudsen Köhler König Kowalska Kozak Kraft
Krämer Krause Kubiak Kühn Lacroix Lambert Lang Larsen Laurent Leclerc Lefèvre Legrand Leroy Lewandowska Lima Lindberg
Lopes Lorenz Lund Lévêque Machado Maier Marchand Marques Martins Masson Mazur Meier Melo Mendes Mercier Meyer Michalak
Moen Monteiro Moreau Moreira Morel Morin Moser Moulin Müller Nascimento Neumann Neves Nguyen Nielsen Noack Noël Novák
Nowak Nunes Nyström Oliveira Olsen Otto Özdemir Pacheco Pawlak Pereira Perrin Petit Picard Pinheiro Pinto Pires Polat
Prévost Quiroga Ramos Rebelo Reis Renard Ribeiro Richter Rocha Roche Rodrigues Rolland Romero Rousseau Roux Sá Sahin Santos
Sauer Schäfer Schmidt Schneider Schröder Schubert Schulte Seidel Silva Simon Şimşek Soares Sobczak Solberg Sommer Sousa
Stein Strand Svensson Szymański Tavares Teixeira Thiele Thomas Tkaczyk Torres Ulrich Urban Vasseur Vaz Vidal Vieira
Vogel Vogt Wagner Walter Weber Weiler Werner Wieczorek Winkler Winter Wójcik Wolff Wróbel Yilmaz Zając Ziegler Zimmermann`)
